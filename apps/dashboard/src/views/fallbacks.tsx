import type { Fallbacks, Summary } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { apiPath } from '../api/read-api.ts'
import { useResource } from '../api/use-resource.ts'
import { exactMoney, money, shareOfMoney } from '../format/money.ts'
import { compact, full, percent, ratio } from '../format/number.ts'
import { words } from '../format/words.ts'
import { place } from '../place.ts'
import { rangeParameters } from '../routing.ts'
import { Badge } from '../ui/badge.tsx'
import { Chart } from '../ui/chart.tsx'
import { Empty } from '../ui/empty.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { ShareBar } from '../ui/meter.tsx'
import { Panel } from '../ui/panel.tsx'
import { Stat, Stats } from '../ui/stat.tsx'
import { Table } from '../ui/table.tsx'

/** Calls that another target kept, why, and what trying again costs. */
export function FallbacksAndRetries(): JSX.Element {
  const summary = useResource<Summary>(apiPath('summary', rangeParameters(place.value)), 30_000)
  const fallbacks = useResource<Fallbacks>(apiPath('fallbacks', rangeParameters(place.value)), 30_000)
  return (
    <>
      <Loaded of={summary}>{(data) => <Totals summary={data} />}</Loaded>
      <Loaded of={summary}>{(data) => data.fallbacks > 0 && <OverTime summary={data} />}</Loaded>
      <Panel title="Who answered instead of whom">
        <Loaded of={fallbacks}>{({ rows }) => <Rows rows={rows} />}</Loaded>
      </Panel>
    </>
  )
}

function Totals({ summary }: { readonly summary: Summary }): JSX.Element {
  const { calls, fallbacks, retries, retryCostNano, costNano } = summary
  return (
    <Stats>
      <Stat
        label="Fallbacks"
        value={compact(fallbacks)}
        exact={full(fallbacks)}
        detail={calls > 0 ? `${percent(ratio(fallbacks, calls))} of calls` : undefined}
      />
      <Stat
        label="Attempts beyond the first"
        value={compact(retries)}
        exact={full(retries)}
        detail={calls > 0 ? `${(retries / calls).toFixed(2)} a call` : undefined}
      />
      <Stat
        label="Their cost"
        value={money(retryCostNano)}
        exact={exactMoney(retryCostNano)}
        detail={
          BigInt(costNano) > 0n ? `${percent(shareOfMoney(retryCostNano, costNano))} of all cost` : undefined
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
        Either the first targets answered every call, or their routes name nobody else to ask.
      </Empty>
    )
  }
  const all = rows.reduce((sum, { calls }) => sum + calls, 0)
  return (
    <Table
      caption="Fallbacks by target and reason"
      rows={rows}
      rowKey={({ from, to, reason }) => `${from} ${to} ${reason}`}
      sorted="Calls"
      columns={[
        { title: 'Asked first', cell: ({ from }) => from },
        { title: 'Answered', cell: ({ to }) => to },
        { title: 'Reason', cell: ({ reason }) => <Badge tone="warn">{words(reason)}</Badge> },
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
