import type { Sessions } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { apiPath } from '../api/read-api.ts'
import { useResource } from '../api/use-resource.ts'
import { compact, full } from '../format/number.ts'
import { place, setSearch } from '../place.ts'
import { formatPlace, rangeParameters } from '../routing.ts'
import { Badge } from '../ui/badge.tsx'
import { Empty } from '../ui/empty.tsx'
import { Export } from '../ui/export.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { Money } from '../ui/money.tsx'
import { Panel } from '../ui/panel.tsx'
import { Segments } from '../ui/segments.tsx'
import { Table } from '../ui/table.tsx'
import { Tenant } from '../ui/tenant.tsx'
import { Time } from '../ui/time.tsx'

const orders = [
  ['cost', 'Cost'],
  ['calls', 'Calls'],
  ['errors', 'Failures'],
  ['recent', 'Newest'],
] as const

/** Conversations, as their callers name them: what they cost, and what failed in them. */
export function Conversations(): JSX.Element {
  const { range, span, search } = place.value
  const order = orders.find(([each]) => each === search.order)?.[0] ?? 'cost'
  const parameters = { ...rangeParameters(place.value), order, limit: '100' }
  const sessions = useResource<Sessions>(apiPath('sessions', parameters), 30_000)
  const choice = (
    <Segments label="Order" options={orders} value={order} onChange={(next) => setSearch('order', next)} />
  )
  return (
    <Panel
      title="The first 100"
      aside={
        <>
          {choice}
          <Export path="sessions" parameters={parameters} />
        </>
      }
      note="In whole hours. Claude Code names its sessions; others by the header x-spillway-session."
    >
      <Loaded of={sessions}>
        {({ rows }) =>
          rows.length === 0 ? (
            <Empty title="No conversations in this time" code="x-spillway-session: ticket-4711">
              Calls belong together by the header x-spillway-session; Claude Code sends its own.
            </Empty>
          ) : (
            <Table
              caption="Conversations"
              rows={rows}
              rowKey={({ session }) => session}
              shown={100}
              columns={[
                {
                  title: 'Conversation',
                  cell: ({ session }) => (
                    <a
                      class="row-link model"
                      href={formatPlace({ view: 'calls', range, span, search: { session } })}
                    >
                      {session}
                    </a>
                  ),
                },
                {
                  title: 'Cost',
                  numeric: true,
                  cell: ({ costNano, unpriced }) => (
                    <>
                      {unpriced > 0 && <Badge tone="warn">{compact(unpriced)} unpriced</Badge>}{' '}
                      <Money nano={costNano} />
                    </>
                  ),
                },
                { title: 'Calls', numeric: true, cell: ({ calls }) => full(calls) },
                {
                  title: 'Failures',
                  numeric: true,
                  cell: ({ errors }) => (errors === 0 ? '–' : <Badge tone="bad">{full(errors)}</Badge>),
                },
                { title: 'Attempts', numeric: true, from: 'tablet', cell: ({ attempts }) => full(attempts) },
                {
                  title: 'Tokens',
                  numeric: true,
                  from: 'tablet',
                  cell: ({ input, output }) => `${compact(input)} → ${compact(output)}`,
                },
                {
                  title: 'Tenant',
                  from: 'tablet',
                  cell: ({ tenant, tenantName }) => <Tenant id={tenant} name={tenantName} />,
                },
                { title: 'Last call', from: 'tablet', cell: ({ lastAt }) => <Time at={lastAt} /> },
              ]}
            />
          )
        }
      </Loaded>
    </Panel>
  )
}
