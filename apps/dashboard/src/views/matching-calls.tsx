import type { Matches } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { apiPath } from '../api/read-api.ts'
import { useEarlier } from '../api/use-earlier.ts'
import { useResource } from '../api/use-resource.ts'
import { compact, full, percent, ratio } from '../format/number.ts'
import { place } from '../place.ts'
import { rangeParameters } from '../routing.ts'
import { Chart } from '../ui/chart.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { zoom } from './spike.ts'

/** How many calls the filters let through, over time: a frame or a click narrows the time, and the filters stay. */
export function MatchingCalls(props: {
  readonly filters: Readonly<Record<string, string | undefined>>
}): JSX.Element {
  const set = Object.entries(props.filters).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  )
  const filters = Object.fromEntries(set)
  const path = apiPath('matches', { ...rangeParameters(place.value), ...filters })
  const matches = useResource<Matches>(path, 30_000)
  const past = useEarlier<Matches>('matches', matches.data?.range, filters)
  return (
    <Loaded of={matches}>
      {({ times, calls, problems }) => {
        const [all, bad] = [sum(calls), sum(problems)]
        if (all === 0) return null
        const before = past && `; before: ${full(sum(past.calls))}, ${full(sum(past.problems))} with problems`
        return (
          <>
            <p class="quiet">
              {full(all)} calls, {full(bad)} ({percent(ratio(bad, all))}) with problems{before}
            </p>
            <Chart
              title="Matching calls over time"
              times={times}
              series={[
                { label: 'Calls', tone: 'third', kind: 'bars', values: calls },
                { label: 'With problems', tone: 'bad', kind: 'bars', values: problems },
              ]}
              format={(value) => compact(value ?? 0)}
              height={90}
              onZoom={zoom}
              onPick={zoom}
              summary={`${full(all)} calls, ${full(bad)} with problems.`}
            />
          </>
        )
      }}
    </Loaded>
  )
}

const sum = (counts: readonly number[]): number => counts.reduce((all, each) => all + each, 0)
