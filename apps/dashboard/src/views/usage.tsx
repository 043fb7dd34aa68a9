import type { Summary, Usage, UsageRow } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { apiPath } from '../api/read-api.ts'
import { useEarlier } from '../api/use-earlier.ts'
import { useResource } from '../api/use-resource.ts'
import { dollarsForChart, exactMoney, money, moneyOfChart, shareOfMoney } from '../format/money.ts'
import { compact, full, percent, ratio } from '../format/number.ts'
import { place, setSearch } from '../place.ts'
import { formatPlace, rangeParameters } from '../routing.ts'
import { Badge } from '../ui/badge.tsx'
import { Chart } from '../ui/chart.tsx'
import { Export } from '../ui/export.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { ShareBar } from '../ui/meter.tsx'
import { Money } from '../ui/money.tsx'
import { Panel } from '../ui/panel.tsx'
import { Segments } from '../ui/segments.tsx'
import { Stat, Stats } from '../ui/stat.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { allInput } from '../ui/tokens.tsx'
import { CostBy } from './cost-by.tsx'
import { NoCallsInRange } from './first-call.tsx'
import { openCalls, zoom } from './spike.ts'

const groups = [
  ['model', 'Model'],
  ['tenant', 'Tenant'],
  ['target', 'Target'],
  ['role', 'Role'],
  ['day', 'Day'],
] as const satisfies readonly (readonly [Usage['by'], string])[]

/** Tokens and money, and on whom they went. */
export function UsageAndCost(): JSX.Element {
  const { search } = place.value
  const by = groups.find(([each]) => each === search.by)?.[0] ?? 'model'
  const summary = useResource<Summary>(apiPath('summary', rangeParameters(place.value)), 30_000)
  const past = useEarlier<Summary>('summary', summary.data?.range)
  const usage = useResource<Usage>(apiPath('usage', { by, ...rangeParameters(place.value) }), 30_000)
  const choice = (
    <Segments
      label="Group by"
      options={groups}
      value={by}
      onChange={(next) => setSearch('by', next === 'model' ? undefined : next)}
    />
  )
  return (
    <>
      <Loaded of={summary}>{(data) => <Totals summary={data} past={past} />}</Loaded>
      <Loaded of={summary}>{(data) => data.calls > 0 && <CostOverTime summary={data} />}</Loaded>
      {by !== 'role' && by !== 'day' && <CostBy by={by} />}
      <Panel
        title="Breakdown"
        aside={
          <>
            {choice}
            <Export path="usage" parameters={{ by, ...rangeParameters(place.value), limit: '1000' }} />
          </>
        }
      >
        <Loaded of={usage}>{(data) => <Rows usage={data} />}</Loaded>
      </Panel>
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
  const { costNano, estimatedCostNano, unpriced, tokens, estimatedTokens } = summary
  const cached = ratio(tokens.cacheRead, allInput(tokens))
  return (
    <Stats>
      <Stat
        label="Cost"
        value={money(costNano)}
        exact={exactMoney(costNano)}
        detail={
          past !== undefined ? (
            `before: ${money(past.costNano)}`
          ) : BigInt(estimatedCostNano) === 0n ? (
            'no part of it is estimated'
          ) : (
            <span title={exactMoney(estimatedCostNano)}>~{money(estimatedCostNano)} of it estimated</span>
          )
        }
      />
      <Stat
        label="Unpriced"
        value={compact(unpriced)}
        exact={full(unpriced)}
        detail={unpriced === 0 ? 'every attempt has a price' : 'attempts, not in the cost'}
        tone={unpriced > 0 ? 'warn' : undefined}
      />
      <Stat
        label="Input tokens"
        value={compact(allInput(tokens))}
        exact={full(allInput(tokens))}
        detail={
          <>
            {percent(cached)} read from cache
            <OfThemEstimated count={allInput(estimatedTokens)} />
          </>
        }
      />
      <Stat
        label="Output tokens"
        value={compact(tokens.output)}
        exact={full(tokens.output)}
        detail={
          <>
            {compact(tokens.reasoning)} for reasoning
            <OfThemEstimated count={estimatedTokens.output} />
          </>
        }
      />
    </Stats>
  )
}

function OfThemEstimated({ count }: { readonly count: number }): JSX.Element | null {
  if (count === 0) return null
  return (
    <>
      , <span title={full(count)}>~{compact(count)} estimated</span>
    </>
  )
}

function CostOverTime({ summary: { series, costNano } }: { readonly summary: Summary }): JSX.Element {
  return (
    <Panel title="Cost over time">
      <Chart
        title="Cost over time"
        times={series.map(({ at }) => at)}
        series={[
          {
            label: 'Cost',
            tone: 'first',
            kind: 'bars',
            values: series.map((point) => dollarsForChart(point.costNano)),
          },
        ]}
        format={moneyOfChart}
        onZoom={zoom}
        onPick={openCalls}
        summary={`${money(costNano)} in all.`}
      />
    </Panel>
  )
}

/** No key that a gateway names. */
const otherKey = '\u0000other'

function Rows({ usage: { rows: shown, other, by } }: { readonly usage: Usage }): JSX.Element {
  const rows = other === undefined ? shown : [...shown, { key: otherKey, ...other }]
  if (rows.length === 0) return <NoCallsInRange />
  const all = rows.reduce((sum, { costNano }) => sum + BigInt(costNano), 0n).toString()
  const anyUnpriced = rows.some(({ unpriced }) => unpriced > 0)
  return (
    <>
      {/* Days are in order by themselves. */}
      <Table
        key={by}
        caption={`Usage by ${by}`}
        columns={columnsOf(by, all, other?.groups ?? 0)}
        rows={rows}
        rowKey={({ key }) => key}
        sorted={by === 'day' ? undefined : 'Cost'}
      />
      {by === 'tenant' && rows.some(({ key, name }) => !name && /^key-[\w-]{22}$/.test(key)) && (
        <p class="quiet">
          “key-…” is the fingerprint of a key that a caller presents. Under <code>tenants.names</code> the
          configuration gives it a name.
        </p>
      )}
      {anyUnpriced && (
        <p class="quiet">
          “No price”: the price table does not know the model. Its tokens are counted, its cost is not.
        </p>
      )}
    </>
  )
}

function columnsOf(by: Usage['by'], allNano: string, others: number): readonly Column<UsageRow>[] {
  return [
    {
      title: groups.find(([each]) => each === by)?.[1] ?? by,
      cell: ({ key, name }) =>
        key === otherKey ? (
          <span class="quiet">{full(others)} others</span>
        ) : (
          <Key text={key} name={name} by={by} />
        ),
    },
    { title: 'Calls', numeric: true, sort: ({ calls }) => calls, cell: ({ calls }) => count(calls) },
    {
      title: 'Errors',
      numeric: true,
      from: 'tablet',
      sort: ({ failedCalls, calls }) => ratio(failedCalls, calls) ?? 0,
      cell: ({ failedCalls, errors, calls, attempts }) => (
        <span title={`${full(failedCalls)} calls; ${full(errors)} of ${full(attempts)} attempts`}>
          {percent(ratio(failedCalls, calls))}
        </span>
      ),
    },
    {
      title: 'Input',
      numeric: true,
      from: 'tablet',
      sort: ({ tokens }) => allInput(tokens),
      cell: ({ tokens }) => count(allInput(tokens)),
    },
    {
      title: 'Output',
      numeric: true,
      from: 'tablet',
      sort: ({ tokens }) => tokens.output,
      cell: ({ tokens }) => count(tokens.output),
    },
    {
      title: 'Cost',
      numeric: true,
      sort: ({ costNano }) => BigInt(costNano),
      cell: ({ costNano, estimated, unpriced, attempts }) =>
        unpriced > 0 && unpriced === attempts ? (
          <Badge tone="warn">unpriced</Badge>
        ) : (
          <>
            {unpriced > 0 && <Badge tone="warn">{compact(unpriced)} unpriced</Badge>}{' '}
            <Money nano={costNano} estimated={estimated > 0} />
          </>
        ),
    },
    {
      title: 'Share',
      from: 'tablet',
      cell: ({ costNano }) => {
        const share = shareOfMoney(costNano, allNano)
        return (
          <span class="with-share">
            <ShareBar share={share} />
            <span class="numbers">{percent(share)}</span>
          </span>
        )
      },
    },
  ]
}

interface KeyProps {
  readonly text: string
  readonly name: string | null | undefined
  readonly by: Usage['by']
}

function Key({ text, name, by }: KeyProps): JSX.Element {
  return text === '' ? (
    <span class="quiet">{by === 'tenant' ? 'no key' : 'unknown'}</span>
  ) : (
    <a class={name ? 'row-link' : 'row-link model'} title={name ? text : undefined} href={hrefOf(by, text)}>
      {name ?? text}
    </a>
  )
}

/** The calls of a group. */
function hrefOf(by: Usage['by'], key: string): string {
  const { range, span } = place.value
  if (by === 'day') {
    const from = Date.parse(`${key}T00:00:00Z`)
    return formatPlace({ view: 'calls', range, span: { from, to: from + 86_400_000 }, search: {} })
  }
  return formatPlace({ view: 'calls', range, span, search: by === 'role' ? {} : { [by]: key } })
}

function count(value: number): JSX.Element {
  return <span title={full(value)}>{compact(value)}</span>
}
