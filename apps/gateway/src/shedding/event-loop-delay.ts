import type { Clock } from '@spillway/middleware'
import type { CancelTimer } from '@spillway/middleware/kit'

/** How often the loop is looked at, in milliseconds. */
const interval = 100
/** How many looks count. */
const looks = 5

/**
 * How late the timers of this process are: the median of the last five looks, so that one long task (a body of 30 MB that is parsed,
 * a garbage collection) is no overload, and half a second of them is. Runs while it is asked to.
 */
export class EventLoopDelay {
  readonly #clock: Clock
  readonly #latest = new Array<number>(looks).fill(0)
  #next = 0
  #median = 0
  #cancel: CancelTimer | undefined

  /** @param clock whose timers do not keep the process alive */
  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds. */
  get median(): number {
    return this.#median
  }

  start(): void {
    if (this.#cancel === undefined) this.#look()
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#latest.fill(0)
    this.#median = 0
  }

  #look(): void {
    const due = this.#clock.now() + interval
    this.#cancel = this.#clock.setTimer(interval, () => {
      this.#latest[this.#next] = Math.max(0, this.#clock.now() - due)
      this.#next = (this.#next + 1) % looks
      this.#median = this.#latest.toSorted((a, b) => a - b)[looks >> 1] as number
      this.#look()
    })
  }
}
