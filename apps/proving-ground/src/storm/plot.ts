import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import type { Outage, Schedule } from './schedule.ts'
import type { WayRun } from './virtual-storm.ts'
import { wayNames, wayTitles } from './ways.ts'

/** The error rate of one way in one span of time. */
interface Point {
  /** The middle of the span, in the unit of the axis. */
  readonly time: number
  readonly rate: number
  readonly way: string
}

/** Okabe and Ito's colours, which everybody can tell apart; the dashes let a line show under another. */
const colours = ['#D55E00', '#0072B2', '#009E73']
const dashes = [
  [1, 0],
  [1, 0],
  [5, 4],
]

const minute = 60_000
/** How much of the time around an outage is shown, in milliseconds on each side. */
const around = 45_000

/** The error rate over time as an SVG: the whole run, and below it each outage from near. */
export async function plotErrorRates(runs: readonly WayRun[], schedule: Schedule): Promise<string> {
  const { durationMs, outages } = schedule
  const whole = panel(runs, outages, {
    from: 0,
    to: durationMs,
    bin: durationMs / 100,
    unit: minute,
    width: 780,
  })
  const near = outages.map((outage) =>
    panel(runs, [outage], {
      from: outage.from - around,
      to: outage.to + around,
      bin: 5_000,
      unit: 1000,
      origin: outage.from,
      width: 360,
    }),
  )
  const { seed, calls } = schedule
  const spec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: 'white',
    padding: 12,
    title: {
      text: 'Error rate over time',
      subtitle: `${calls.length} calls on the virtual clock, seed ${seed}; the outages are grey; below: each from near`,
      anchor: 'start',
      fontSize: 15,
      subtitleFontSize: 12,
    },
    vconcat: [whole, { hconcat: near }],
    config: {
      axis: { labelFontSize: 11, titleFontSize: 12 },
      legend: { labelFontSize: 12, labelLimit: 300 },
      view: { stroke: '#bbb' },
    },
  }
  const view = new View(parse(compile(spec as unknown as TopLevelSpec).spec), { renderer: 'none' })
  const svg = await view.toSVG()
  view.finalize()
  return `${svg}\n`
}

interface PanelOptions {
  readonly from: number
  readonly to: number
  readonly bin: number
  /** Milliseconds in one of the axis. */
  readonly unit: number
  /** Where the axis has its zero. */
  readonly origin?: number
  readonly width: number
}

function panel(runs: readonly WayRun[], outages: readonly Outage[], options: PanelOptions): object {
  const { from, to, unit, origin = 0, width } = options
  const scaled = (ms: number): number => (ms - origin) / unit
  const title =
    unit === minute ? 'simulated time (minutes)' : `seconds after the outage began (${outages[0]?.kind})`
  const x = {
    field: 'time',
    type: 'quantitative',
    title,
    scale: { domain: [scaled(from), scaled(to)], nice: false },
  }
  const titles = wayNames.map((way) => wayTitles[way])
  return {
    width,
    height: unit === minute ? 220 : 180,
    layer: [
      {
        data: { values: outages.map((outage) => ({ time: scaled(outage.from), end: scaled(outage.to) })) },
        // The stroke keeps a short outage visible in a long run.
        mark: { type: 'rect', color: '#c4c4c4', stroke: '#c4c4c4', strokeWidth: 1 },
        encoding: { x, x2: { field: 'end' } },
      },
      {
        data: { values: pointsOf(runs, options).map((point) => ({ ...point, time: scaled(point.time) })) },
        mark: { type: 'line', strokeWidth: 2, clip: true, interpolate: unit === minute ? 'linear' : 'step' },
        encoding: {
          x,
          y: {
            field: 'rate',
            type: 'quantitative',
            title: 'calls that failed (%)',
            ...(unit === minute ? { scale: { domainMin: 0 } } : { scale: { domain: [0, 100] } }),
          },
          color: {
            field: 'way',
            title: null,
            scale: { domain: titles, range: colours },
            legend: { orient: 'top' },
          },
          strokeDash: { field: 'way', title: null, scale: { domain: titles, range: dashes } },
        },
      },
    ],
  }
}

/** Calls belong to the time at which they were made. */
function pointsOf(runs: readonly WayRun[], { from, to, bin }: PanelOptions): Point[] {
  return runs.flatMap(({ way, results }) => {
    const bins = Array.from({ length: Math.ceil((to - from) / bin) }, () => ({ calls: 0, errors: 0 }))
    for (const { call, failure } of results) {
      const counted = bins[Math.floor((call.at - from) / bin)]
      if (counted === undefined) continue
      counted.calls++
      if (failure !== undefined) counted.errors++
    }
    return bins.flatMap(({ calls, errors }, index) =>
      calls === 0
        ? []
        : [{ time: from + (index + 0.5) * bin, rate: (100 * errors) / calls, way: wayTitles[way] }],
    )
  })
}
