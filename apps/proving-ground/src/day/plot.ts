import { renderPlot } from '../render-plot.ts'
import { bucketMs } from './record.ts'
import type { DayResult } from './run.ts'
import { models } from './traffic.ts'

const colours = ['#009E73', '#D55E00']
const dashes = [
  [1, 0],
  [4, 3],
]

/** Input that each scheduler lets through, pool by pool, as an SVG. */
export async function plotDay(
  limiter: DayResult,
  perfect: DayResult,
  startHour: number,
  subtitle: string,
): Promise<string> {
  const panels = models.map(([model]) => panel(model, limiter, perfect, startHour))
  return renderPlot('A day of agents', subtitle, panels)
}

function panel(model: string, limiter: DayResult, perfect: DayResult, startHour: number): object {
  const values = [limiter, perfect].flatMap(({ records, scheduler }) =>
    Array.from(records.get(model)?.series ?? [], (tokens, at) => ({
      hour: startHour + ((at + 0.5) * bucketMs) / 3_600_000,
      value: (tokens ?? 0) / (bucketMs / 60_000) / 1e6,
      what: scheduler === 'limiter' ? 'the limiter' : 'the perfect scheduler',
    })),
  )
  const limit = (limiter.limits.inputTokensPerMinute ?? 0) / 1e6
  return {
    width: 780,
    height: 150,
    layer: [
      {
        data: { values: [{ limit }] },
        mark: { type: 'rule', color: '#888', strokeDash: [2, 2] },
        encoding: { y: { field: 'limit', type: 'quantitative' } },
      },
      {
        data: { values },
        mark: { type: 'line', strokeWidth: 1.5 },
        encoding: {
          x: { field: 'hour', type: 'quantitative', title: 'hour of the day', scale: { nice: false } },
          y: { field: 'value', type: 'quantitative', title: `${model}: million tokens a minute` },
          color: {
            field: 'what',
            title: null,
            scale: { range: colours },
            legend: { orient: 'top' },
            sort: null,
          },
          strokeDash: { field: 'what', title: null, scale: { range: dashes }, sort: null },
        },
      },
    ],
  }
}
