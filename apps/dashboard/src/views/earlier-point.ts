import type { SeriesPoint, Summary } from '@spillway/gateway-api'

/** The point of the period before at the same time of it as `at` is of the shown one; its steps may have another length. */
export function earlierPoint(
  past: Pick<Summary, 'range' | 'series'>,
  shown: Pick<Summary, 'range'>,
  at: number,
): SeriesPoint | undefined {
  const moment = at - (shown.range.from - past.range.from)
  return past.series.findLast((point) => point.at <= moment) ?? past.series[0]
}
