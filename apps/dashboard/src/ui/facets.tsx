import { type FacetName, type Facets as FacetsAnswer, none } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { compact } from '../format/number.ts'
import { failureWords } from '../format/words.ts'
import { place, setSearch } from '../place.ts'

const names: readonly (readonly [FacetName, string, nothing: string])[] = [
  ['target', 'Answered by', 'no target'],
  ['failure', 'Failure', 'none'],
  ['reason', 'Fallback because of', 'no fallback'],
  ['status', 'Status', 'none'],
  ['model', 'Model', 'none'],
  ['tenant', 'Tenant', 'no key'],
  ['session', 'Conversation', 'none'],
]

const openAtFirst: readonly FacetName[] = ['target', 'failure', 'tenant']

/** Values that calls have, with how many, each a filter. */
export function Facets({ of }: { readonly of: FacetsAnswer['facets'] }): JSX.Element {
  const { search } = place.value
  return (
    <div class="facets">
      {names.map(([name, title, nothing]) => {
        const values = of[name]
        const chosen = search[name]
        const isOpen = chosen !== undefined || openAtFirst.includes(name)
        return (
          <details key={name} class="facet" open={isOpen}>
            <summary>
              {title} <span class="quiet">{values.length}</span>
            </summary>
            <ul>
              {values.map(({ value, name: called, calls }) => {
                const asked = value === '' ? none : value
                const isChosen = chosen === asked
                return (
                  <li key={value}>
                    <button
                      type="button"
                      aria-pressed={isChosen}
                      onClick={() => setSearch(name, isChosen ? undefined : asked)}
                    >
                      <span class="facet-value" title={called ? value : undefined}>
                        {called ?? wordsOf(name, value, nothing)}
                      </span>
                      <span class="numbers">{compact(calls)}</span>
                    </button>
                  </li>
                )
              })}
            </ul>
          </details>
        )
      })}
    </div>
  )
}

function wordsOf(name: FacetName, value: string, nothing: string): string {
  if (value === '' || (name === 'status' && value === '0')) return nothing
  return name === 'failure' || name === 'reason' ? failureWords(value) : value
}
