const slots = 10

/** Counts what happened in the last `window` milliseconds, exact to a tenth of it. */
export class CallWindow {
  readonly #slotMs: number
  readonly #counts: Float64Array
  #slot = -Infinity
  #sum = 0

  constructor(window: number) {
    this.#slotMs = window / slots
    this.#counts = new Float64Array(slots)
  }

  add(now: number): void {
    this.#move(now)
    const at = this.#slot % slots
    this.#counts[at] = (this.#counts[at] as number) + 1
    this.#sum++
  }

  count(now: number): number {
    this.#move(now)
    return this.#sum
  }

  clear(): void {
    this.#counts.fill(0)
    this.#sum = 0
  }

  #move(now: number): void {
    const slot = Math.floor(now / this.#slotMs)
    const passed = slot - this.#slot
    if (passed <= 0) return
    if (passed >= slots) this.clear()
    else {
      for (let next = this.#slot + 1; next <= slot; next++) {
        this.#sum -= this.#counts[next % slots] as number
        this.#counts[next % slots] = 0
      }
    }
    this.#slot = slot
  }
}
