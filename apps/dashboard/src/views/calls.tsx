import type { Calls as CallsAnswer } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { usePages } from '../api/use-pages.ts'
import { adjustPlace, place } from '../place.ts'
import { Filter } from '../ui/filter.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { Pager } from '../ui/pager.tsx'
import { Panel } from '../ui/panel.tsx'
import { CallTable } from './call-table.tsx'
import { FirstCall } from './first-call.tsx'

/** All calls that are kept, newest first. */
export function Calls(): JSX.Element {
  const { query, model, tenant, target, failure } = place.value.search
  const filters = { query, model, tenant, target, failure }
  const isFiltered = Object.values(filters).some((value) => value !== undefined && value !== '')
  const calls = usePages<CallsAnswer>('calls', filters)
  return (
    <Panel title="All that are kept">
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <Filter name="query" label="Search" isSearch placeholder="id of a call" />
        <Filter name="model" label="Model" />
        <Filter name="tenant" label="Tenant" />
        <Filter name="target" label="Answered by" />
        <Filter name="failure" label="Failure" placeholder="timeout, server…" />
      </form>
      <Loaded of={calls}>
        {(data) =>
          data.calls.length > 0 ? (
            <>
              <CallTable caption="Calls, newest first" calls={data.calls} />
              <Pager of={calls} />
            </>
          ) : isFiltered ? (
            <p class="quiet">
              No call matches.{' '}
              <button type="button" onClick={() => adjustPlace({ search: {} })}>
                Clear the filters
              </button>
            </p>
          ) : (
            <FirstCall />
          )
        }
      </Loaded>
    </Panel>
  )
}
