const minute = 60_000

/** How finely the limiter divides its windows: what was spent counts for so much longer. */
export const resolution = minute / 600

/** What was really used of our own limits in the last minute, and the most that it ever was. */
export class OwnWindow {
  readonly #windowMs: number
  readonly #entries: (readonly [at: number, amount: number])[] = []
  #first = 0
  #sum = 0
  /** The most that any window had. */
  most = 0

  constructor(windowMs: number = minute) {
    this.#windowMs = windowMs
  }

  used(now: number): number {
    while (this.#first < this.#entries.length) {
      const [at, amount] = this.#entries[this.#first] as readonly [number, number]
      if (at > now - this.#windowMs) break
      this.#sum -= amount
      this.#first++
    }
    if (this.#first > 10_000) this.#entries.splice(0, this.#first)
    if (this.#first > 10_000) this.#first = 0
    return this.#sum
  }

  add(amount: number, now: number): void {
    this.#entries.push([now, amount])
    this.#sum += amount
    this.most = Math.max(this.most, this.used(now))
  }
}
