import type { Audit as AuditAnswer } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { usePages } from '../api/use-pages.ts'
import { full } from '../format/number.ts'
import { place, setSearch } from '../place.ts'
import { rangeParameters } from '../routing.ts'
import { Empty } from '../ui/empty.tsx'
import { Export } from '../ui/export.tsx'
import { Filter } from '../ui/filter.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { Pager } from '../ui/pager.tsx'
import { Panel } from '../ui/panel.tsx'
import { Table } from '../ui/table.tsx'
import { Tenant } from '../ui/tenant.tsx'
import { Time } from '../ui/time.tsx'

/** Who did what, and when. */
export function Audit(): JSX.Element {
  const { search } = place.value
  const { query } = search
  const hasCalls = search.calls === 'true'
  const action = hasCalls ? undefined : '-call'
  const parameters = { ...rangeParameters(place.value), action, query }
  const audit = usePages<AuditAnswer>('audit', parameters)
  return (
    <Panel title="Entries" aside={<Export path="audit" parameters={{ ...parameters, limit: '1000' }} />}>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <Filter name="query" label="Search" isSearch placeholder="actor, action or subject" />
        <button
          type="button"
          aria-pressed={hasCalls}
          onClick={() => setSearch('calls', hasCalls ? undefined : 'true')}
        >
          Calls too
        </button>
      </form>
      <Loaded of={audit}>
        {({ entries }) =>
          entries.length === 0 ? (
            <Nothing query={query} />
          ) : (
            <>
              <Table
                caption="Audit entries, newest first"
                rows={entries}
                rowKey={({ sequence }) => String(sequence)}
                columns={[
                  { title: 'No.', numeric: true, from: 'tablet', cell: ({ sequence }) => full(sequence) },
                  { title: 'Time', cell: ({ at }) => <Time at={at} /> },
                  { title: 'Actor', cell: ({ actor, actorName }) => <Tenant id={actor} name={actorName} /> },
                  { title: 'Action', cell: ({ action }) => <b>{action}</b> },
                  { title: 'Subject', cell: ({ subject }) => <span class="model">{subject}</span> },
                  { title: 'Details', cell: ({ details }) => <Details of={details} /> },
                ]}
              />
              <Pager of={audit} />
            </>
          )
        }
      </Loaded>
    </Panel>
  )
}

function Details({ of }: { readonly of: Readonly<Record<string, unknown>> }): JSX.Element | null {
  const entries = Object.entries(of)
  if (entries.length === 0) return null
  return (
    <details class="inline">
      <summary>{entries.length === 1 ? '1 field' : `${entries.length} fields`}</summary>
      <dl>
        {entries.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{typeof value === 'string' ? value : JSON.stringify(value)}</dd>
          </div>
        ))}
      </dl>
    </details>
  )
}

function Nothing({ query }: { readonly query: string | undefined }): JSX.Element {
  if (query !== undefined) return <p class="quiet">No entry matches “{query}”.</p>
  return (
    <Empty title="No entries yet" code="spillway audit verify">
      Calls and administrative acts are written down here as they happen, each chained to the one before. This
      command finds an altered or missing entry.
    </Empty>
  )
}
