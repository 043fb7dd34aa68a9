/** How fast the usage of a pool may grow. Anthropic says that there is such a limit, not what it is: this one is made up. */
export interface AccelerationLimit {
  /** Input tokens a minute that are always allowed. */
  readonly floor: number
  /** A minute may have so many times what the busiest of the minutes before had. @default 2 */
  readonly factor?: number
  /** How many minutes before count. @default 10 */
  readonly minutes?: number
}

const minute = 60_000

/** Keeps an {@link AccelerationLimit} over whole minutes. */
export class Acceleration {
  readonly #floor: number
  readonly #factor: number
  readonly #length: number
  /** Input of the current minute, and of those before it, newest first. */
  #used: number[] = [0]
  #minute = 0

  constructor({ floor, factor = 2, minutes = 10 }: AccelerationLimit) {
    this.#floor = floor
    this.#factor = factor
    this.#length = Math.max(1, minutes)
  }

  /** Milliseconds until so many tokens may be used: 0, or until the next minute. */
  timeUntil(tokens: number, now: number): number {
    this.#advance(now)
    const busiest = Math.max(0, ...this.#used.slice(1))
    const used = this.#used[0] as number
    const allowed = Math.max(this.#floor, this.#factor * busiest)
    // A single call that is larger than what is allowed passes in a separate minute.
    if (used === 0 || used + tokens <= allowed) return 0
    return minute - (now % minute)
  }

  count(tokens: number, now: number): void {
    this.#advance(now)
    this.#used[0] = (this.#used[0] as number) + tokens
  }

  #advance(now: number): void {
    const current = Math.floor(now / minute)
    const passed = Math.min(current - this.#minute, this.#length + 1)
    for (let i = 0; i < passed; i++) this.#used.unshift(0)
    this.#used.length = Math.min(this.#used.length, this.#length + 1)
    this.#minute = Math.max(this.#minute, current)
  }
}
