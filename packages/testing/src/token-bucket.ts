/** A token bucket: it is refilled continuously, up to its limit, and may be overdrawn by what is known too late. */
export class TokenBucket {
  readonly limit: number
  readonly #perMs: number
  #level: number
  #at: number

  /**
   * @param limit what it holds at most, and what flows in during `periodMs`
   * @param now when it is full
   */
  constructor(limit: number, periodMs: number, now: number) {
    this.limit = limit
    this.#perMs = limit / periodMs
    this.#level = limit
    this.#at = now
  }

  /** What is in it; below zero when it is overdrawn. */
  level(now: number): number {
    if (now > this.#at) {
      this.#level = Math.min(this.limit, this.#level + (now - this.#at) * this.#perMs)
      this.#at = now
    }
    return this.#level
  }

  /** Takes so much, whether it is there or not; a negative amount is given back. */
  take(amount: number, now: number): void {
    this.#level = Math.min(this.limit, this.level(now) - amount)
  }

  /** Milliseconds until it holds `amount`, or until it is full where it never holds so much; 0 when it does. */
  timeUntil(amount: number, now: number): number {
    // What a float loses in years of refilling is no reason to wait.
    const missing = Math.min(amount, this.limit) - this.level(now)
    return missing <= 1e-6 ? 0 : missing / this.#perMs
  }
}
