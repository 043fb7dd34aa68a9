import { type Signal, signal } from '@preact/signals'
import { formatPlace, type Place, parsePlace } from './routing.ts'

/** Where the reader is now. */
export const place: Signal<Place> = signal(parsePlace(location.hash))

addEventListener('hashchange', () => {
  place.value = parsePlace(location.hash)
})

/** Changes a part of the place without a new entry in the history, as filters and ranges do. */
export function adjustPlace(change: Partial<Place>): void {
  const next = { ...place.peek(), ...change }
  history.replaceState(null, '', formatPlace(next))
  place.value = next
}

/** Asks the view for something else, or, with undefined or an empty text, no longer for it. */
export function setSearch(name: string, value: string | undefined): void {
  const { [name]: _, ...others } = place.peek().search
  adjustPlace({ search: value ? { ...others, [name]: value } : others })
}
