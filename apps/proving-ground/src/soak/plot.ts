import { renderPlot } from '../render-plot.ts'
import type { Sample } from './memory-lines.ts'

const mebibyte = 2 ** 20
const colours = ['#D55E00', '#0072B2']

/** What the gateway held over time, as an SVG: RSS and heap above, connections and timers below. */
export async function plotSoak(
  samples: readonly Sample[],
  warmUp: number,
  subtitle: string,
): Promise<string> {
  const minutes = (sample: Sample): number => sample.at / 60
  const memory = samples.flatMap((sample) => [
    { time: minutes(sample), value: sample.rss / mebibyte, what: 'RSS' },
    { time: minutes(sample), value: sample.heapUsed / mebibyte, what: 'heap' },
  ])
  const handles = samples.flatMap((sample) => [
    { time: minutes(sample), value: sample.descriptors, what: 'descriptors' },
    { time: minutes(sample), value: sample.resources.Timeout ?? 0, what: 'timers' },
  ])
  const panels = [
    panel(memory, 'megabytes, after garbage collection', 220, warmUp),
    panel(handles, 'how many', 140, warmUp),
  ]
  return renderPlot('What the gateway holds', subtitle, panels, {
    resolve: { scale: { color: 'independent' } },
  })
}

function panel(values: readonly object[], title: string, height: number, warmUp: number): object {
  const x = { field: 'time', type: 'quantitative', title: 'minutes' }
  return {
    width: 700,
    height,
    layer: [
      {
        data: { values: [{ time: 0, end: warmUp }] },
        mark: { type: 'rect', color: '#eee' },
        encoding: { x, x2: { field: 'end' } },
      },
      {
        data: { values },
        mark: { type: 'line', strokeWidth: 2 },
        encoding: {
          x,
          y: { field: 'value', type: 'quantitative', title, scale: { domainMin: 0 } },
          color: {
            field: 'what',
            title: null,
            scale: { range: colours },
            legend: { orient: 'top' },
            sort: null,
          },
        },
      },
    ],
  }
}
