import type { CallRow } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { duration } from '../format/time.ts'
import { place } from '../place.ts'
import { formatPlace } from '../routing.ts'
import { Money } from '../ui/money.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { Tenant } from '../ui/tenant.tsx'
import { Time } from '../ui/time.tsx'
import { allInput, Tokens } from '../ui/tokens.tsx'
import { Outcome } from './outcome.tsx'

const columns: readonly Column<CallRow>[] = [
  {
    title: 'Time',
    cell: ({ at, id }) => (
      <a class="row-link" href={linkTo(id)}>
        <Time at={at} />
      </a>
    ),
  },
  { title: 'Outcome', cell: (call) => <Outcome call={call} /> },
  {
    title: 'Cost',
    numeric: true,
    cell: ({ costNano, estimated, tokens }) =>
      costNano === null && allInput(tokens) + tokens.output === 0 ? (
        <span class="quiet">–</span>
      ) : (
        <Money nano={costNano} estimated={estimated} />
      ),
  },
  { title: 'Answered by', cell: ({ target }) => target ?? <span class="quiet">no target</span> },
  {
    title: 'Model',
    cell: ({ model, modelAnswered, stream }) => (
      <span class="model">
        {model}
        {modelAnswered !== null && modelAnswered !== model && (
          <span class="under quiet"> → {modelAnswered}</span>
        )}
        {stream && <span class="quiet widest"> stream</span>}
      </span>
    ),
  },
  {
    title: 'Tenant',
    from: 'desktop',
    cell: ({ tenant, tenantName }) => <Tenant id={tenant} name={tenantName} />,
  },
  { title: 'Attempts', from: 'desktop', numeric: true, cell: ({ attempts }) => attempts },
  {
    title: 'First token',
    from: 'tablet',
    numeric: true,
    cell: ({ firstContentMs }) => duration(firstContentMs),
  },
  { title: 'Total', numeric: true, cell: ({ totalMs }) => duration(totalMs) },
  { title: 'Tokens', from: 'desktop', numeric: true, cell: ({ tokens }) => <Tokens of={tokens} /> },
]

/** The page of a call; the way back finds the same filters. */
function linkTo(id: string): string {
  const { range, span, view, search } = place.value
  return formatPlace({ view: 'calls', item: id, range, span, search: view === 'calls' ? search : {} })
}

/** Calls, one a row. */
export function CallTable(props: {
  readonly caption: string
  readonly calls: readonly CallRow[]
}): JSX.Element {
  return (
    <Table caption={props.caption} columns={columns} rows={props.calls} rowKey={({ id }) => id} shown={100} />
  )
}
