import type { SpillwayEvent } from '@spillway/middleware'
import type { CallBooking } from './ledger.ts'
import type { CallRow } from './rows.ts'

/** What the fallback policy says; its types are its own, and it may not be there. */
interface Switched {
  readonly type: string
  readonly target: string | undefined
  readonly to?: string
  readonly failure?: { readonly kind: string }
}

/** Sees from the events of a call which target was left for which. */
export class FallbackWatch {
  #asked: string | undefined
  #to: string | undefined
  #reason: string | undefined

  readonly hear = (event: SpillwayEvent): void => {
    const { type, target, to, failure } = event as Switched
    // A circuit that refuses is a target that was asked, though there is no attempt.
    this.#asked ??= target
    if (type !== 'fallback.switched') return
    this.#to = to
    this.#reason ??= failure?.kind
  }

  /** Without such events, another target than the first one is a fallback. */
  columns(
    { firstTarget, firstFailure, lastTarget }: CallBooking,
    answered: string | undefined,
  ): Pick<CallRow, 'fallback_from' | 'fallback_to' | 'fallback_reason'> {
    if (this.#to !== undefined) {
      return {
        fallback_from: this.#asked ?? null,
        fallback_to: this.#to,
        fallback_reason: this.#reason ?? null,
      }
    }
    const to = answered ?? lastTarget
    const isOther = firstTarget !== undefined && to !== undefined && to !== firstTarget
    return {
      fallback_from: isOther ? firstTarget : null,
      fallback_to: isOther ? to : null,
      fallback_reason: isOther ? (firstFailure ?? null) : null,
    }
  }
}
