import type { Comparison } from './comparison.ts'
import type { DropReason } from './mirror.ts'

// Merged into the contract's events; `index.ts` reaches this file, so that users of the package have their types.
declare module '@spillway/middleware' {
  interface EventMap {
    /** A candidate's answer is over as well, for good or ill. Comes after the call's own events. */
    'mirror.finished': { readonly comparison: Comparison }
    /** A sampled call did not go to the candidate. */
    'mirror.dropped': { readonly reason: DropReason }
  }
}
