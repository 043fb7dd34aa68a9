import type { Failure } from '@spillway/middleware'
import type { CircuitChange } from './circuit-breaker.ts'
import type { MidStreamMode } from './mid-stream.ts'

// Merged into the contract's events; `index.ts` reaches this file, so that users of the package have their types.
declare module '@spillway/middleware' {
  interface EventMap {
    /** A target has failed and the next one is asked; or a model has declined, and another one of the same target is. */
    'fallback.switched': {
      readonly to: string
      /** The model that is asked, where another one has declined. */
      readonly model?: string
      readonly failure: Failure
      /** How, when the stream had begun already; undefined before the commit point. */
      readonly midStream?: Exclude<MidStreamMode, 'fail'>
    }
    /** A circuit has changed its state because of this call. */
    'circuit.changed': CircuitChange
  }
}
