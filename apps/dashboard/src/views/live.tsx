import type { CallRow, Calls, Summary, Usage } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { apiPath } from '../api/read-api.ts'
import { useEarlier } from '../api/use-earlier.ts'
import { useResource } from '../api/use-resource.ts'
import { money } from '../format/money.ts'
import { compact, full, percent, ratio } from '../format/number.ts'
import { duration } from '../format/time.ts'
import { counted } from '../format/words.ts'
import { feed } from '../live/feed-of-page.ts'
import { place } from '../place.ts'
import { rangeParameters } from '../routing.ts'
import { Chart } from '../ui/chart.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { ShareBar } from '../ui/meter.tsx'
import { Panel } from '../ui/panel.tsx'
import { Stat, Stats } from '../ui/stat.tsx'
import { CallTable } from './call-table.tsx'
import { FirstCall } from './first-call.tsx'
import { openCalls, zoom } from './spike.ts'

/** Calls as they come, how many fail, and who answers. */
export function Live(): JSX.Element {
  const summary = useResource<Summary>(apiPath('summary', rangeParameters(place.value)), 10_000)
  const past = useEarlier<Summary>('summary', summary.data?.range)
  const newest = useResource<Calls>(apiPath('calls', { limit: '50' }))
  useEffect(() => newest.data && feed.fill(newest.data.calls), [newest.data])
  const isUsed = summary.data !== undefined && summary.data.calls > 0
  return (
    <>
      <Loaded of={summary}>{(data) => <Totals summary={data} past={past} />}</Loaded>
      {(isUsed || feed.recent.value.calls > 0) && (
        <div class="columns">
          {isUsed && <Loaded of={summary}>{(data) => <Traffic summary={data} />}</Loaded>}
          <Answering />
        </div>
      )}
      <Stream />
    </>
  )
}

function Totals({
  summary,
  past,
}: {
  readonly summary: Summary
  readonly past: Summary | undefined
}): JSX.Element {
  const { calls, errors, cancelled, fallbacks, firstContent } = summary
  const share = ratio(errors, calls)
  return (
    <Stats>
      <Stat
        label="Calls"
        value={compact(calls)}
        exact={full(calls)}
        detail={
          past !== undefined
            ? `before: ${compact(past.calls)}`
            : cancelled > 0
              ? `${compact(cancelled)} cancelled`
              : undefined
        }
      />
      <Stat
        label="Error rate"
        value={percent(share)}
        detail={
          past !== undefined
            ? `before: ${percent(ratio(past.errors, past.calls))}`
            : calls > 0
              ? counted(compact(errors), errors, 'error')
              : undefined
        }
        tone={share !== null && share > 0.01 ? 'bad' : undefined}
      />
      <Stat
        label="Rescued by fallback"
        value={compact(fallbacks)}
        exact={full(fallbacks)}
        detail={calls > 0 ? `${percent(ratio(fallbacks, calls))} of calls` : undefined}
      />
      <Stat
        label="First token, median"
        value={duration(firstContent.p50)}
        detail={
          past !== undefined
            ? `before: ${duration(past.firstContent.p50)}`
            : firstContent.p99 === null
              ? undefined
              : `p99 ${duration(firstContent.p99)}`
        }
      />
      <Stat label="Cost" value={money(summary.costNano)} detail={past && `before: ${money(past.costNano)}`} />
    </Stats>
  )
}

function Traffic({ summary: { series, calls, errors } }: { readonly summary: Summary }): JSX.Element {
  return (
    <Panel title="Calls and errors">
      <Chart
        title="Calls over time"
        times={series.map(({ at }) => at)}
        series={[{ label: 'Calls', tone: 'third', kind: 'bars', values: series.map((point) => point.calls) }]}
        format={(value) => compact(value ?? 0)}
        height={150}
        onZoom={zoom}
        onPick={openCalls}
        summary={`${full(calls)} calls.`}
      />
      <Chart
        title="Error rate over time"
        times={series.map(({ at }) => at)}
        series={[
          {
            label: 'Error rate',
            tone: 'bad',
            kind: 'bars',
            values: series.map((point) => ratio(point.errors, point.calls)),
          },
        ]}
        format={percent}
        onZoom={zoom}
        onPick={(from, to) => openCalls(from, to, { problems: 'true' })}
        height={110}
        summary={`${full(errors)} errors, ${percent(ratio(errors, calls))} of the calls.`}
      />
    </Panel>
  )
}

/** Over the range, as the ledger has it, and of late, as it was heard. */
function Answering(): JSX.Element {
  const usage = useResource<Usage>(
    apiPath('usage', { by: 'target', ...rangeParameters(place.value) }),
    10_000,
  )
  const { calls, errors, targets } = feed.recent.value
  return (
    <Panel title="Who answers">
      <Loaded of={usage}>
        {({ rows }) => <Shares of={rows.map(({ key, calls: count }) => [key || noTarget, count] as const)} />}
      </Loaded>
      <h3>The last five minutes, since this page was opened</h3>
      {calls === 0 ? (
        <p class="quiet">No call yet.</p>
      ) : (
        <Shares of={errors > 0 ? [...targets, [noTarget, errors]] : targets} />
      )}
    </Panel>
  )
}

/** Calls that no target answered. */
const noTarget = 'no target'

function Shares({ of }: { readonly of: readonly (readonly [name: string, calls: number])[] }): JSX.Element {
  const all = of.reduce((sum, [, calls]) => sum + calls, 0)
  return (
    <ul class="shares">
      {of.slice(0, 6).map(([name, calls]) => (
        <li key={name} data-tone={name === noTarget ? 'bad' : undefined}>
          <span>{name}</span>
          <span class="numbers" title={percent(ratio(calls, all))}>
            {compact(calls)}
          </span>
          <ShareBar share={ratio(calls, all)} />
        </li>
      ))}
    </ul>
  )
}

function Stream(): JSX.Element {
  const [held, setHeld] = useState<readonly CallRow[]>()
  const calls = held ?? feed.calls.value
  if (calls.length === 0) {
    return (
      <Panel title="Calls as they end">
        <FirstCall />
      </Panel>
    )
  }
  const pause = (
    <button type="button" aria-pressed={held !== undefined} onClick={() => setHeld(held ? undefined : calls)}>
      {held ? 'Resume' : 'Pause'}
    </button>
  )
  return (
    <Panel title="Calls as they end" aside={pause}>
      <CallTable caption="The newest calls" calls={calls} />
    </Panel>
  )
}
