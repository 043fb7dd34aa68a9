import type { Outcome } from '@spillway/middleware'
import { wasCutShort } from './own-deadline.ts'

/** How much of the old value stays with each healthy answer; about the last twenty answers count. */
const memory = 0.95

/**
 * How long healthy answers take until they begin (streams: to their first content), so that a timeout of a call whose
 * own deadline was shorter than that is not taken for a failure of the endpoint.
 */
export class TypicalDuration {
  #streamed = 0
  #whole = 0

  /** Learns from an answer. */
  observe({ failure, timings }: Outcome): void {
    const { firstContent } = timings
    if (firstContent !== undefined) this.#streamed = mean(this.#streamed, firstContent)
    else if (failure === undefined) this.#whole = mean(this.#whole, timings.end)
  }

  /**
   * Whether a call's own deadline expired (`timeout` of phase `total`) before it had waited for long enough to say
   * anything about the endpoint.
   */
  wasTooShort({ failure, timings }: Outcome, stream: boolean): boolean {
    return wasCutShort(failure, timings.end, stream ? this.#streamed : this.#whole)
  }
}

const mean = (old: number, value: number): number => (old === 0 ? value : old * memory + value * (1 - memory))
