import type { Failure } from '@spillway/middleware'
import type { GiveUpReason } from './retry.ts'

// Merged into the contract's events; `index.ts` reaches this file, so that users of the package have their types.
declare module '@spillway/middleware' {
  interface EventMap {
    /** A failed attempt will be repeated after a wait. */
    'retry.scheduled': {
      /** Which retry of this call: 1 for the first. */
      readonly retry: number
      readonly waitMs: number
      readonly failure: Failure
    }
    /** A failed attempt will not be repeated. */
    'retry.abandoned': {
      readonly reason: GiveUpReason
      readonly failure: Failure
    }
  }
}
