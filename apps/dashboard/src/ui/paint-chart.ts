import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { tickTime } from '../format/time.ts'

/** Colours have a meaning, which the style sheet gives them in light and dark. */
export type ChartTone = 'first' | 'second' | 'third' | 'bad' | 'warn'

/** One line, or one row of bars, of a chart. */
export interface ChartSeries {
  readonly label: string
  readonly tone: ChartTone
  readonly kind: 'line' | 'bars'
  readonly dashed?: boolean | undefined
  /** One for each time; null where there was nothing to measure. */
  readonly values: readonly (number | null)[]
}

export interface ChartPaint {
  readonly times: readonly number[]
  readonly series: readonly ChartSeries[]
  readonly format: (value: number | null) => string
  /** In CSS pixels. */
  readonly height: number
  /** The point under the pointer, or undefined. */
  readonly onPoint: (index: number | undefined) => void
  /** A frame was drawn, from and to in milliseconds. */
  readonly onZoom: (from: number, to: number) => void
  /** A point was clicked, by its index. */
  readonly onPick: (index: number) => void
}

/** A chart on a page. */
export interface PaintedChart {
  update(times: readonly number[], series: readonly ChartSeries[]): void
  /** Takes the width that the element has now. */
  fit(): void
  destroy(): void
}

/** Narrower frames are slips of the hand, in CSS pixels. */
const leastFrame = 8

/** Paints a chart into an empty element, in the colours that hold there. */
export function paintChart(
  element: HTMLElement,
  { times, series, format, height, onPoint, onZoom, onPick }: ChartPaint,
): PaintedChart {
  const hasBars = series.some(({ kind }) => kind === 'bars')
  const ink = colourOf(element, '--chart-ink')
  const grid = { stroke: colourOf(element, '--chart-grid'), width: 1 }
  const font = `11px ${getComputedStyle(element).fontFamily}`
  const plot = new uPlot(
    {
      width: Math.max(element.clientWidth, 100),
      height,
      ms: 1,
      padding: [8, 16, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
      hooks: {
        setCursor: [({ cursor }) => onPoint(cursor.idx ?? undefined)],
        setSelect: [
          (plot) => {
            const { left, width } = plot.select
            if (width < leastFrame) return
            onZoom(plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x'))
            plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false)
          },
        ],
        ready: [
          (plot) =>
            plot.over.addEventListener('click', () => {
              const { idx } = plot.cursor
              if (idx != null) onPick(idx)
            }),
        ],
      },
      scales: {
        x: { time: true, range: (plot, from, to) => withMargin(plot.data[0], from, to, hasBars) },
        y: { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] },
      },
      axes: [
        {
          stroke: ink,
          font,
          grid: { show: false },
          ticks: { show: false },
          space: 64,
          size: 26,
          values: (_, ticks) => ticks.map((at) => tickTime(at, (ticks[1] ?? at) - (ticks[0] ?? at))),
        },
        {
          stroke: ink,
          font,
          grid,
          ticks: { show: false },
          space: 40,
          size: (_, values) => 14 + Math.max(30, ...(values ?? []).map((text) => text.length * 6.4)),
          // `4 s` and not `4.00 s`: ticks are round.
          values: (_, ticks) => ticks.map((tick) => format(tick).replace(/\.0+ /, ' ')),
        },
      ],
      series: [{}, ...series.map((each) => seriesOptions(element, each))],
    },
    dataOf(times, series),
    element,
  )
  return {
    update: (newTimes, newSeries) => plot.setData(dataOf(newTimes, newSeries)),
    fit: () => plot.setSize({ width: Math.max(element.clientWidth, 100), height }),
    destroy: () => plot.destroy(),
  }
}

function seriesOptions(element: HTMLElement, { label, tone, kind, dashed }: ChartSeries): uPlot.Series {
  const stroke = colourOf(element, `--chart-${tone}`)
  if (kind === 'bars') {
    const paths = uPlot.paths.bars?.({ size: [0.72, 28], radius: 0.15 })
    return { label, fill: stroke, width: 0, points: { show: false }, ...(paths && { paths }) }
  }
  return {
    label,
    stroke,
    width: 1.75,
    ...(dashed && { dash: [5, 4] }),
    points: { show: true, size: 5, fill: stroke, width: 0, filter: isolated },
  }
}

/** Bars need half a step more at both ends, or the first and the last are cut. */
function withMargin(times: ArrayLike<number>, from: number, to: number, hasBars: boolean): [number, number] {
  const step = (times[1] ?? from) - (times[0] ?? from)
  const margin = from === to ? 30_000 : hasBars ? step / 2 : 0
  return [from - margin, to + margin]
}

/** Only points with nothing beside them, which no line would show. */
function isolated(plot: uPlot, index: number): number[] {
  const values = plot.data[index] ?? []
  const alone: number[] = []
  for (let at = 0; at < values.length; at++) {
    if (values[at] != null && values[at - 1] == null && values[at + 1] == null) alone.push(at)
  }
  return alone
}

function dataOf(times: readonly number[], series: readonly ChartSeries[]): uPlot.AlignedData {
  return [[...times], ...series.map(({ values }) => [...values])]
}

/** A custom property as a colour that a canvas takes: `light-dark()` has been decided. */
function colourOf(element: HTMLElement, property: string): string {
  const probe = document.createElement('span')
  probe.style.color = `var(${property})`
  element.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
