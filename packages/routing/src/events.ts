import type { ChoiceReason } from './choice.ts'
import type { EjectionReason } from './outliers.ts'

// Merged into the contract's events; `index.ts` reaches this file, so that users of the package have their types.
declare module '@spillway/middleware' {
  interface EventMap {
    /** A request is about to be sent to one of several endpoints. */
    'routing.chosen': { readonly endpoint: string; readonly reason: ChoiceReason }
    /** An endpoint, or a key with all its endpoints, gets no calls for a while. */
    'endpoint.ejected': {
      readonly endpoint: string
      readonly reason: EjectionReason | 'key'
      /** The name of the key; only with reason `key`. */
      readonly key?: string
      /** After so many milliseconds it may be probed. */
      readonly forMs: number
    }
    /** A probe has shown that it is well again. */
    'endpoint.recovered': { readonly endpoint: string; readonly key?: string }
    /** A call takes long, so another endpoint is asked as well. */
    'hedge.started': { readonly endpoint: string; readonly afterMs: number }
    /** The hedge answered first; the first attempt is cancelled. */
    'hedge.won': { readonly endpoint: string }
    /** The first attempt answered first, or the hedge failed. */
    'hedge.lost': { readonly endpoint: string; readonly reason: 'slower' | 'failed' }
  }
}
