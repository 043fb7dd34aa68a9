import type { Clock } from '@spillway/middleware'
import type { CancelTimer } from '@spillway/middleware/kit'
import { probeEvery } from './vendor-gate.ts'

/** How many calls are admitted before the rest of the process gets a turn of the event loop. */
const mostAdmitted = 64

/** When a queue checks its calls again: one timer, at the earliest time that was asked for. */
export class NextLook {
  readonly #look: (isSameRound: boolean) => void
  #at = Infinity
  #cancelTimer: CancelTimer | undefined
  /** How many were admitted since the last pause. */
  #admitted = 0
  #isPaused = false

  /** @param look hears whether nothing is known to have changed since the last look */
  constructor(look: (isSameRound: boolean) => void) {
    this.#look = look
  }

  /** Whether no call is admitted until then, so that the rest of the process has its turn. */
  get isPaused(): boolean {
    return this.#isPaused
  }

  /** A call has been admitted, and so many still wait: after many it is time for a pause. */
  countAdmitted(clock: Clock, waiting: number): void {
    if (++this.#admitted < mostAdmitted || waiting === 0) return
    this.cancel()
    this.in(0, clock)
    this.#isPaused = true
  }

  /** Less than a millisecond may be a rounding error, after which the time would be the same. */
  after(wait: number, clock: Clock): void {
    this.in(Math.min(Math.max(1, wait), probeEvery), clock)
  }

  /** Looks again in `ms`, or earlier if that was intended. */
  in(ms: number, clock: Clock, why?: 'same round'): void {
    const at = clock.now() + ms
    if (this.#isPaused || !(at < this.#at)) return
    this.cancel()
    this.#at = at
    this.#cancelTimer = clock.setTimer(ms, () => {
      this.cancel()
      this.#look(why !== undefined)
    })
  }

  cancel(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#at = Infinity
    if (this.#isPaused) this.#admitted = 0
    this.#isPaused = false
  }
}
