import type { Fallbacks, Summary } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { apiPath } from '../api/read-api.ts'
import { useEarlier } from '../api/use-earlier.ts'
import { useResource } from '../api/use-resource.ts'
import { exactMoney, money, shareOfMoney } from '../format/money.ts'
import { compact, full, percent, ratio } from '../format/number.ts'
import { failureWords } from '../format/words.ts'
import { place } from '../place.ts'
import { formatPlace, rangeParameters } from '../routing.ts'
import { Badge } from '../ui/badge.tsx'
import { Chart } from '../ui/chart.tsx'
import { Empty } from '../ui/empty.tsx'
import { Export } from '../ui/export.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { ShareBar } from '../ui/meter.tsx'
import { Panel } from '../ui/panel.tsx'
import { Stat, Stats } from '../ui/stat.tsx'
import { Table } from '../ui/table.tsx'
import { openCalls, zoom } from './spike.ts'

/** Calls that another target kept, why, and what trying again costs. */
export function FallbacksAndRetries(): JSX.Element {
  const summary = useResource<Summary>(apiPath('summary', rangeParameters(place.value)), 30_000)
  const past = useEarlier<Summary>('summary', summary.data?.range)
  const fallbacks = useResource<Fallbacks>(apiPath('fallbacks', rangeParameters(place.value)), 30_000)
  return (
    <>
      <Loaded of={summary}>{(data) => <Totals summary={data} past={past} />}</Loaded>
      <Loaded of={summary}>{(data) => data.fallbacks > 0 && <OverTime summary={data} />}</Loaded>
      <Panel
        title="Which target answered instead"
        aside={<Export path="fallbacks" parameters={rangeParameters(place.value)} />}
      >
        <Loaded of={fallbacks}>{({ rows }) => <Rows rows={rows} />}</Loaded>
      </Panel>
    </>
  )
}

interface TotalsProps {
  readonly summary: Summary
  readonly past: Summary | undefined
}

function Totals({ summary, past }: TotalsProps): JSX.Element {
  const { calls, fallbacks, retries, retryCostNano, costNano } = summary
  return (
    <Stats>
      <Stat
        label="Fallbacks"
        value={compact(fallbacks)}
        exact={full(fallbacks)}
        detail={
          past !== undefined
            ? `before: ${compact(past.fallbacks)}`
            : calls > 0
              ? `${percent(ratio(fallbacks, calls))} of calls`
              : undefined
        }
      />
      <Stat
        label="Attempts beyond the first"
        value={compact(retries)}
        exact={full(retries)}
        detail={
          past !== undefined
            ? `before: ${compact(past.retries)}`
            : calls > 0
              ? `${(retries / calls).toFixed(2)} a call`
              : undefined
        }
      />
      <Stat
        label="Their cost"
        value={money(retryCostNano)}
        exact={exactMoney(retryCostNano)}
        detail={
          past !== undefined
            ? `before: ${money(past.retryCostNano)}`
            : BigInt(costNano) > 0n
              ? `${percent(shareOfMoney(retryCostNano, costNano))} of all cost`
              : undefined
        }
      />
    </Stats>
  )
}

function OverTime({ summary: { series, fallbacks } }: { readonly summary: Summary }): JSX.Element {
  return (
    <Panel title="Fallbacks over time">
      <Chart
        title="Fallbacks over time"
        times={series.map(({ at }) => at)}
        series={[
          { label: 'Fallbacks', tone: 'warn', kind: 'bars', values: series.map((point) => point.fallbacks) },
        ]}
        format={(value) => compact(value ?? 0)}
        onZoom={zoom}
        onPick={(from, to) => openCalls(from, to, { problems: 'true' })}
        summary={`${full(fallbacks)} in all.`}
      />
    </Panel>
  )
}

function Rows({ rows }: { readonly rows: Fallbacks['rows'] }): JSX.Element {
  if (rows.length === 0) {
    return (
      <Empty
        title="No call had to fall back"
        where="In spillway.yaml"
        code={'routes:\n  - { models: "claude-*", target: claude, fallback: [openrouter, local] }'}
      >
        Either the first targets answered every call, or their routes have no fallback targets.
      </Empty>
    )
  }
  const { range, span } = place.value
  const all = rows.reduce((sum, { calls }) => sum + calls, 0)
  return (
    <Table
      caption="Fallbacks by target and reason"
      rows={rows}
      rowKey={({ from, to, reason }) => `${from} ${to} ${reason}`}
      sorted="Calls"
      columns={[
        {
          title: 'Asked first',
          cell: ({ from, reason, to }) => (
            <a
              class="row-link"
              href={formatPlace({ view: 'calls', range, span, search: { reason, target: to } })}
            >
              {from}
            </a>
          ),
        },
        { title: 'Answered', cell: ({ to }) => to },
        { title: 'Reason', cell: ({ reason }) => <Badge tone="warn">{failureWords(reason)}</Badge> },
        {
          title: 'Calls',
          numeric: true,
          sort: ({ calls }) => calls,
          cell: ({ calls }) => <span title={full(calls)}>{compact(calls)}</span>,
        },
        {
          title: 'Share',
          from: 'tablet',
          cell: ({ calls }) => (
            <span class="with-share">
              <ShareBar share={ratio(calls, all)} />
              <span class="numbers">{percent(ratio(calls, all))}</span>
            </span>
          ),
        },
      ]}
    />
  )
}
