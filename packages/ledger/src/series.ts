import { type RawBuilder, sql } from 'kysely'
import { checkWhole } from './check-whole.ts'
import { type Db, from, histograms, money, percentiles, type Row, run, sum } from './rollup-sql.ts'
import { type Span, spansOf, stepOf, wholeMinutes } from './time-spans.ts'
import type { SeriesPoint, TimeRange } from './views.ts'

/**
 * The range in equal steps.
 * @throws RangeError for steps that are not 1 to 1000
 */
export async function series(db: Db, asked: TimeRange, count: number): Promise<SeriesPoint[]> {
  const { times, spans, step } = stepsOf('series', asked, count)
  if (times.length === 0) return []
  const [calls, costs, latencies] = await Promise.all([
    run<Row>(db, sql`select ${step} as step, ${stepCounts} from ${from('call_rollups', spans)} group by 1`),
    run<Row>(db, sql`select ${step} as step, ${stepCost} from ${from('usage_rollups', spans)} group by 1`),
    run<Row>(
      db,
      sql`select ${step} as step, measure, bucket, ${sum('calls', 'calls')}
        from ${from('latency_rollups', spans)} group by 1, 2, 3`,
    ),
  ])
  return pointsOf(times, { calls, costs, latencies })
}

/** What is summed up of each step. */
export const stepCounts: RawBuilder<unknown> = sql.join(
  ['calls', 'errors', 'fallbacks'].map((name) => sum(name, name)),
)
export const stepCost: RawBuilder<unknown> = money('cost_nano', 'costNano')

/** When the steps of a range begin, the buckets that they are read from, and the place among them of a bucket's step. */
export function stepsOf(
  view: string,
  asked: TimeRange,
  count: number,
): {
  readonly times: readonly number[]
  readonly spans: readonly Span[]
  readonly step: RawBuilder<unknown>
} {
  checkWhole(`${view}: steps`, count, 1000)
  const { from, to } = wholeMinutes(asked)
  const { step, grain } = stepOf({ from, to }, count)
  const begin = Math.floor(from / step) * step
  const length = from < to ? Math.ceil((to - begin) / step) : 0
  return {
    times: Array.from({ length }, (_, index) => begin + index * step),
    // A bucket belongs to the step in which it begins, so none may be longer than the step.
    spans: spansOf({ from: Math.floor(from / grain) * grain, to }, grain),
    step: sql`cast((at - ${sql.lit(begin)}) / ${sql.lit(step)} as bigint)`,
  }
}

/** A point for each time from rows by their steps. */
export function pointsOf(
  times: readonly number[],
  rows: {
    readonly calls: readonly Row[]
    readonly costs: readonly Row[]
    readonly latencies: readonly Row[]
  },
): SeriesPoint[] {
  const callsAt = new Map(rows.calls.map((row) => [row.step, row]))
  const costAt = new Map(rows.costs.map((row) => [row.step, row]))
  const latencyAt = histograms(rows.latencies, 'step')
  return times.map((at, index) => {
    const row = callsAt.get(index)
    return {
      at,
      calls: Number(row?.calls ?? 0),
      errors: Number(row?.errors ?? 0),
      fallbacks: Number(row?.fallbacks ?? 0),
      costNano: String(costAt.get(index)?.costNano ?? '0'),
      ...percentiles(latencyAt.get(index)),
    }
  })
}
