import type { JSX } from 'preact'
import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks'
import { pointTime } from '../format/time.ts'
import { paint } from '../theme.ts'
import { type ChartSeries, type PaintedChart, paintChart } from './paint-chart.ts'
import { Table } from './table.tsx'

interface ChartProps {
  readonly title: string
  /** Milliseconds since the epoch, ascending. */
  readonly times: readonly number[]
  readonly series: readonly ChartSeries[]
  readonly format: (value: number | null) => string
  /** In CSS pixels. @default 200 */
  readonly height?: number | undefined
  /** The reader has drawn a frame around a part of the time. */
  readonly onZoom?: ((from: number, to: number) => void) | undefined
  /** The reader has chosen a step, which goes from and to. */
  readonly onPick?: ((from: number, to: number) => void) | undefined
  /** What the chart shows, in a sentence, for those who do not see it. */
  readonly summary: string
}

/** A chart over time, with a legend that reads the values under the pointer, and a table of the same numbers behind it. */
export function Chart(props: ChartProps): JSX.Element {
  const { title, times, series, format, height = 200, summary, onPick } = props
  const acts = useRef(props)
  acts.current = props
  const canvas = useRef<HTMLDivElement>(null)
  const chart = useRef<PaintedChart>(undefined)
  const [index, setIndex] = useState<number>()
  const [isTableOpen, setIsTableOpen] = useState(false)
  const id = useId()
  const colours = paint.value
  // A chart is created again when its form changes; otherwise only its numbers are replaced.
  const form = JSON.stringify([series.map(({ values, ...rest }) => rest), colours])
  const data = useMemo(() => ({ times, series }), [times, series])

  // `form` identifies the series; new numbers come below.
  useEffect(() => {
    const element = canvas.current
    if (element === null) return
    const painted = paintChart(element, {
      ...{ ...data, format, height, onPoint: setIndex },
      onZoom: (from, to) => acts.current.onZoom?.(from, to),
      onPick: (at) => acts.current.onPick?.(...stepAt(acts.current.times, at)),
    })
    chart.current = painted
    const observer = new ResizeObserver(() => painted.fit())
    observer.observe(element)
    return () => {
      observer.disconnect()
      painted.destroy()
    }
  }, [form])
  useEffect(() => chart.current?.update(data.times, data.series), [data])

  return (
    <figure class="chart">
      <figcaption class="legend">
        {series.map(({ label, tone, dashed, values }) => (
          <span key={label}>
            <i class="mark" data-tone={tone} data-dashed={dashed} />
            {label}
            {index !== undefined && <b>{format(values[index] ?? null)}</b>}
          </span>
        ))}
        <span class="when">{index !== undefined && pointTime(times[index] ?? 0)}</span>
      </figcaption>
      <div
        class="canvas"
        role="img"
        aria-label={`${title}. ${summary}`}
        style={{ height: `${height}px` }}
        ref={canvas}
      />
      <details onToggle={({ currentTarget }) => setIsTableOpen(currentTarget.open)}>
        <summary id={id}>Numbers as a table</summary>
        {isTableOpen && (
          <Table
            caption={title}
            rows={times.map((at, row) => ({ at, row })).reverse()}
            rowKey={({ at }) => String(at)}
            shown={30}
            columns={[
              {
                title: 'Time',
                cell: ({ at, row }) =>
                  onPick === undefined ? (
                    pointTime(at)
                  ) : (
                    <button type="button" class="link" onClick={() => onPick(...stepAt(times, row))}>
                      {pointTime(at)}
                    </button>
                  ),
              },
              ...series.map(({ label, values }) => ({
                title: label,
                numeric: true,
                cell: ({ row }: { row: number }) => format(values[row] ?? null),
              })),
            ]}
          />
        )}
      </details>
    </figure>
  )
}

/** From when to when a step goes. */
function stepAt(times: readonly number[], index: number): [from: number, to: number] {
  const at = times[index] ?? 0
  const step = (times[1] ?? at + 60_000) - (times[0] ?? at)
  return [at, at + step]
}
