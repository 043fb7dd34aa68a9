import type { Percentiles, Series, SeriesPoint, Summary } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { apiPath } from '../api/read-api.ts'
import { useEarlier } from '../api/use-earlier.ts'
import { useResource } from '../api/use-resource.ts'
import { duration } from '../format/time.ts'
import { place, setSearch } from '../place.ts'
import { rangeParameters } from '../routing.ts'
import { Chart } from '../ui/chart.tsx'
import { Export } from '../ui/export.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { Panel } from '../ui/panel.tsx'
import { Segments } from '../ui/segments.tsx'
import { Stat, Stats } from '../ui/stat.tsx'
import { earlierPoint } from './earlier-point.ts'
import { NoCallsInRange } from './first-call.tsx'
import { LatencyTable } from './latency-table.tsx'
import { openCalls, zoom } from './spike.ts'

const splits = [
  ['all', 'All calls'],
  ['target', 'By target'],
  ['model', 'By model'],
  ['tenant', 'By tenant'],
] as const

/** How long callers wait: for the first token and for the whole answer; by target, model or tenant too. */
export function Latency(): JSX.Element {
  const { search } = place.value
  const by = splits.find(([each]) => each === search.by)?.[0] ?? 'all'
  return (
    <>
      <Segments
        label="Split"
        options={splits}
        value={by}
        onChange={(next) => setSearch('by', next === 'all' ? undefined : next)}
      />
      {by === 'all' ? <OfAll /> : <Split key={by} by={by} />}
    </>
  )
}

function OfAll(): JSX.Element {
  const summary = useResource<Summary>(apiPath('summary', rangeParameters(place.value)), 30_000)
  const past = useEarlier<Summary>('summary', summary.data?.range)
  return (
    <Loaded of={summary}>
      {(data) =>
        data.calls === 0 ? (
          <NoCallsInRange />
        ) : (
          <>
            <Waiting title="Time to first token" of="firstContent" now={data} past={past} />
            <Waiting title="Total time" of="total" now={data} past={past} />
          </>
        )
      }
    </Loaded>
  )
}

interface WaitingProps {
  readonly title: string
  readonly of: 'firstContent' | 'total'
  readonly now: Summary
  readonly past: Summary | undefined
}

function Waiting({ title, of, now, past }: WaitingProps): JSX.Element {
  const { series } = now
  const all = now[of]
  const values = (points: readonly SeriesPoint[], which: keyof Percentiles): (number | null)[] =>
    points.map((point) => point[of][which])
  const earlier = (which: keyof Percentiles, otherwise: string): string =>
    past === undefined ? otherwise : `before: ${duration(past[of][which])}`
  return (
    <Panel title={title}>
      <Stats>
        <Stat label="p50" value={duration(all.p50)} detail={earlier('p50', 'half of the calls are faster')} />
        <Stat label="p95" value={duration(all.p95)} detail={earlier('p95', 'one of 20 is slower')} />
        <Stat label="p99" value={duration(all.p99)} detail={earlier('p99', 'one of 100 is slower')} />
      </Stats>
      <Chart
        title={`${title} over time`}
        times={series.map(({ at }) => at)}
        series={[
          { label: 'p50', tone: 'first', kind: 'line', values: values(series, 'p50') },
          { label: 'p95', tone: 'second', kind: 'line', values: values(series, 'p95') },
          { label: 'p99', tone: 'warn', kind: 'line', dashed: true, values: values(series, 'p99') },
          ...(past === undefined
            ? []
            : [
                {
                  ...({ label: 'p95 before', tone: 'third', kind: 'line', dashed: true } as const),
                  values: series.map(({ at }) => earlierPoint(past, now, at)?.[of].p95 ?? null),
                },
              ]),
        ]}
        format={duration}
        onZoom={zoom}
        onPick={openCalls}
        summary={`In all: p50 ${duration(all.p50)}, p95 ${duration(all.p95)}, p99 ${duration(all.p99)}.`}
      />
    </Panel>
  )
}

const tones = ['first', 'second', 'third', 'warn', 'bad'] as const

function Split({ by }: { readonly by: 'target' | 'model' | 'tenant' }): JSX.Element {
  const split = { by, limit: String(tones.length) }
  const now = useResource<Series>(apiPath('series', { ...split, ...rangeParameters(place.value) }), 30_000)
  const past = useEarlier<Series>('series', now.data?.range, split)
  return (
    <Loaded of={now}>
      {(data) =>
        data.series.length === 0 ? (
          <NoCallsInRange />
        ) : (
          (['firstContent', 'total'] as const).map((of) => (
            <Panel
              key={of}
              title={of === 'total' ? 'Total time' : 'Time to first token'}
              aside={<Export path="series" parameters={{ ...split, ...rangeParameters(place.value) }} />}
            >
              <Chart
                title={`p95 ${of === 'total' ? 'of the total time' : 'of the time to first token'} by ${by}`}
                times={data.times}
                series={data.series.map(({ key, name, points }, index) => ({
                  ...{ label: name ?? nameOf(by, key), tone: tones[index] ?? 'first', kind: 'line' as const },
                  values: points.map((point) => point[of].p95),
                }))}
                format={duration}
                onZoom={zoom}
                onPick={openCalls}
                summary={`The p95 of ${data.series.length} groups.`}
              />
              <LatencyTable of={of} by={by} now={data} past={past} />
            </Panel>
          ))
        )
      }
    </Loaded>
  )
}

function nameOf(by: string, key: string): string {
  return key === '' ? (by === 'tenant' ? 'no key' : 'no target') : key
}
