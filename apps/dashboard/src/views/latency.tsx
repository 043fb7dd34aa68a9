import type { Percentiles, SeriesPoint, Summary } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { apiPath } from '../api/read-api.ts'
import { useResource } from '../api/use-resource.ts'
import { duration } from '../format/time.ts'
import { place } from '../place.ts'
import { Chart } from '../ui/chart.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { Panel } from '../ui/panel.tsx'
import { Stat, Stats } from '../ui/stat.tsx'
import { NoCallsInRange } from './first-call.tsx'

/** How long callers wait: for the first token and for the whole answer. */
export function Latency(): JSX.Element {
  const summary = useResource<Summary>(apiPath('summary', { range: place.value.range }), 30_000)
  return (
    <Loaded of={summary}>
      {({ calls, series, firstContent, total }) =>
        calls === 0 ? (
          <NoCallsInRange />
        ) : (
          <>
            <Waiting title="Time to first token" all={firstContent} series={series} of="firstContent" />
            <Waiting title="Total time" all={total} series={series} of="total" />
          </>
        )
      }
    </Loaded>
  )
}

interface WaitingProps {
  readonly title: string
  readonly all: Percentiles
  readonly series: readonly SeriesPoint[]
  readonly of: 'firstContent' | 'total'
}

function Waiting({ title, all, series, of }: WaitingProps): JSX.Element {
  const values = (which: keyof Percentiles): (number | null)[] => series.map((point) => point[of][which])
  return (
    <Panel title={title}>
      <Stats>
        <Stat label="p50" value={duration(all.p50)} detail="half of the calls are faster" />
        <Stat label="p95" value={duration(all.p95)} detail="one of 20 is slower" />
        <Stat label="p99" value={duration(all.p99)} detail="one of 100 is slower" />
      </Stats>
      <Chart
        title={`${title} over time`}
        times={series.map(({ at }) => at)}
        series={[
          { label: 'p50', tone: 'first', kind: 'line', values: values('p50') },
          { label: 'p95', tone: 'second', kind: 'line', values: values('p95') },
          { label: 'p99', tone: 'warn', kind: 'line', dashed: true, values: values('p99') },
        ]}
        format={duration}
        summary={`In all: p50 ${duration(all.p50)}, p95 ${duration(all.p95)}, p99 ${duration(all.p99)}.`}
      />
    </Panel>
  )
}
