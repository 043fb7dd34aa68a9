import type { CallRow } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { duration } from '../format/time.ts'
import { words } from '../format/words.ts'
import { Badge } from '../ui/badge.tsx'
import { Money } from '../ui/money.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { Time } from '../ui/time.tsx'
import { Tokens } from '../ui/tokens.tsx'

/** What became of a call: answered, by whom instead of whom, or why not. */
function Outcome({ call }: { readonly call: CallRow }): JSX.Element {
  const { failure, fallback } = call
  if (failure === 'cancelled') return <Badge tone="plain">cancelled</Badge>
  if (failure !== null) return <Badge tone="bad">{words(failure)}</Badge>
  if (fallback !== null) return <Badge tone="warn">fallback: {words(fallback)}</Badge>
  return <Badge tone="good">ok</Badge>
}

const columns: readonly Column<CallRow>[] = [
  { title: 'Time', cell: ({ at }) => <Time at={at} /> },
  { title: 'Outcome', cell: (call) => <Outcome call={call} /> },
  { title: 'Answered by', cell: ({ target }) => target ?? <span class="quiet">nobody</span> },
  {
    title: 'Model',
    cell: ({ model, stream }) => (
      <span class="model">
        {model}
        {stream && <span class="quiet"> stream</span>}
      </span>
    ),
  },
  { title: 'Tenant', from: 'desktop', cell: ({ tenant }) => tenant ?? <span class="quiet">–</span> },
  { title: 'Attempts', from: 'tablet', numeric: true, cell: ({ attempts }) => attempts },
  {
    title: 'First token',
    from: 'tablet',
    numeric: true,
    cell: ({ firstContentMs }) => duration(firstContentMs),
  },
  { title: 'Total', numeric: true, cell: ({ totalMs }) => duration(totalMs) },
  { title: 'Tokens', from: 'tablet', numeric: true, cell: ({ tokens }) => <Tokens of={tokens} /> },
  {
    title: 'Cost',
    numeric: true,
    cell: ({ costNano, estimated }) => <Money nano={costNano} estimated={estimated} />,
  },
]

/** Calls, one a row. */
export function CallTable(props: {
  readonly caption: string
  readonly calls: readonly CallRow[]
}): JSX.Element {
  return (
    <Table caption={props.caption} columns={columns} rows={props.calls} rowKey={({ id }) => id} shown={100} />
  )
}
