const minute = 60_000

/**
 * Lets at most so many calls begin in any 60 s, wherever they begin. It remembers when each of them began: exact, and
 * meant for limits of hundreds, not of millions.
 */
export class CallBudget {
  readonly #callsPerMinute: number
  /** When the calls of the last minute began, oldest first. */
  readonly #begun: number[] = []

  constructor(callsPerMinute: number) {
    this.#callsPerMinute = callsPerMinute
  }

  /** Takes one call at `now`, in clock time; false when the minute has none left. */
  take(now: number): boolean {
    if (this.#callsPerMinute === Infinity) return true
    while (this.#begun.length > 0 && (this.#begun[0] as number) <= now - minute) this.#begun.shift()
    if (this.#begun.length + 1 > this.#callsPerMinute) return false
    this.#begun.push(now)
    return true
  }
}
