/** For how long something is left out, in milliseconds. */
export interface SuspensionTimes {
  readonly baseTime: number
  readonly maxTime: number
}

/**
 * Something that can be taken out of service for a time that doubles with each repetition, and comes back by a probe:
 * one call that is let through when the time is over. While a probe has not been answered yet, there is no second one.
 */
export class Suspension {
  /** When its time is over, in clock time; undefined while in service. It stays out until a probe succeeds. */
  until: number | undefined
  /** Changes with each suspension and return, so that late answers of earlier days can be told. */
  generation = 0
  readonly #times: SuspensionTimes
  #repetitions = 0
  #returnedAt = -Infinity
  #isProbed = false

  constructor(times: SuspensionTimes) {
    this.#times = times
  }

  get isOut(): boolean {
    return this.until !== undefined
  }

  /** Whether its time is over and no probe is in flight. */
  isDue(now: number): boolean {
    return this.until !== undefined && now >= this.until && !this.#isProbed
  }

  /**
   * Takes it out, or out again for longer. Returns for how many milliseconds.
   * @param atLeast what the vendor has said, in milliseconds
   */
  suspend(now: number, atLeast = 0): number {
    const { baseTime, maxTime } = this.#times
    if (!this.isOut && now - this.#returnedAt >= maxTime) this.#repetitions = 0
    const time = Math.max(atLeast, Math.min(maxTime, baseTime * 2 ** Math.min(this.#repetitions, 30)))
    this.#repetitions++
    this.until = now + time
    this.#isProbed = false
    this.generation++
    return time
  }

  beginProbe(): void {
    this.#isProbed = true
  }

  /** The probe was answered well so far, or came to nothing: the next one may begin. */
  endProbe(): void {
    this.#isProbed = false
  }

  /** Puts it back into service. */
  restore(now: number): void {
    this.until = undefined
    this.#returnedAt = now
    this.#isProbed = false
    this.generation++
  }
}
