import type { Calls as CallsAnswer, Facets as FacetsAnswer } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { apiPath } from '../api/read-api.ts'
import { usePages } from '../api/use-pages.ts'
import { useResource } from '../api/use-resource.ts'
import { failureWords } from '../format/words.ts'
import { adjustPlace, place, setSearch } from '../place.ts'
import { rangeParameters } from '../routing.ts'
import { Export } from '../ui/export.tsx'
import { Facets } from '../ui/facets.tsx'
import { Filter } from '../ui/filter.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { Pager } from '../ui/pager.tsx'
import { Panel } from '../ui/panel.tsx'
import { CallTable } from './call-table.tsx'
import { FirstCall } from './first-call.tsx'
import { MatchingCalls } from './matching-calls.tsx'

const filterNames = [
  'model',
  'tenant',
  'target',
  'failure',
  'reason',
  'status',
  'session',
  'query',
  'problems',
]

/** Calls, newest first, by what can be told of them. */
export function Calls(): JSX.Element {
  const { search } = place.value
  const filters = Object.fromEntries(filterNames.map((name) => [name, search[name]]))
  const { query: _, session, ...outcome } = filters
  const range = rangeParameters(place.value)
  const calls = usePages<CallsAnswer>('calls', { ...range, ...filters })
  const facets = useResource<FacetsAnswer>(apiPath('facets', { ...range, ...outcome }))
  const isFiltered = filterNames.some((name) => search[name] !== undefined)
  const hasProblems = search.problems === 'true'
  return (
    <div class="with-facets">
      <Panel title="Filters">
        <button
          type="button"
          aria-pressed={hasProblems}
          onClick={() => setSearch('problems', hasProblems ? undefined : 'true')}
        >
          Only problems
        </button>
        <Loaded of={facets}>{(data) => <Facets of={data.facets} />}</Loaded>
      </Panel>
      <Panel
        title="Calls"
        aside={<Export path="calls" parameters={{ ...range, ...filters, limit: '1000' }} />}
      >
        <form class="filters" onSubmit={(event) => event.preventDefault()}>
          <Filter name="query" label="Search" isSearch placeholder="id of a call, part of a name" />
        </form>
        <MatchingCalls filters={outcome} />
        <Chosen facets={facets.data?.facets} />
        <Loaded of={calls}>
          {(data) =>
            data.calls.length > 0 ? (
              <>
                <CallTable caption="Calls, newest first" calls={data.calls} />
                <Pager of={calls} />
              </>
            ) : isFiltered ? (
              <p class="quiet">
                No call matches{session === undefined ? '' : ' in this conversation'}, in this time.{' '}
                <button type="button" onClick={() => adjustPlace({ search: {} })}>
                  Clear the filters
                </button>
              </p>
            ) : (
              <FirstCall title="No calls in this time" />
            )
          }
        </Loaded>
      </Panel>
    </div>
  )
}

/** The filters that hold, each with a way to be rid of it. */
function Chosen({ facets }: { readonly facets: FacetsAnswer['facets'] | undefined }): JSX.Element | null {
  const { search } = place.value
  const chosen = filterNames.filter((name) => name !== 'query' && search[name] !== undefined)
  if (chosen.length === 0) return null
  const tenant = facets?.tenant.find(({ value }) => value === search.tenant)?.name
  const shown = (name: string): string => {
    const value = search[name] ?? ''
    if (name === 'tenant') return tenant ?? value
    return name === 'failure' || name === 'reason' ? failureWords(value) : value
  }
  return (
    <ul class="chosen">
      {chosen.map((name) => (
        <li key={name}>
          <button type="button" onClick={() => setSearch(name, undefined)}>
            {name === 'problems' ? 'only problems' : `${name}: ${shown(name)}`}{' '}
            <span aria-hidden="true">×</span>
            <span class="unseen">, remove</span>
          </button>
        </li>
      ))}
    </ul>
  )
}
