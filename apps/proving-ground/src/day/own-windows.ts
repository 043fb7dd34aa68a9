/** What was really used of our own limits in the last minute, and the most that it ever was. */
export class OwnWindow {
  readonly #entries: (readonly [at: number, amount: number])[] = []
  #first = 0
  #sum = 0
  /** The most that any 60 s had. */
  most = 0

  used(now: number): number {
    while (this.#first < this.#entries.length) {
      const [at, amount] = this.#entries[this.#first] as readonly [number, number]
      if (at > now - 60_000) break
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
