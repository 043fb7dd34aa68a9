import { adjustPlace, place } from '../place.ts'
import { formatPlace } from '../routing.ts'

/** Shows a part of the time that is shown. */
export function zoom(from: number, to: number): void {
  adjustPlace({ span: { from: Math.floor(from / 60_000) * 60_000, to: Math.ceil(to / 60_000) * 60_000 } })
}

/** Goes to the calls of a part of the time, as a link does: the way back leads here. */
export function openCalls(from: number, to: number, search: Readonly<Record<string, string>> = {}): void {
  location.hash = formatPlace({ view: 'calls', range: place.peek().range, span: { from, to }, search })
}
