/**
 * The last times to first token, as many as `size`, with when they were taken. Quantiles are of those. Once one has been asked for, they are
 * kept in order, for speed: answers of a slow endpoint ask each time.
 */
export class Latencies {
  readonly #values: Float64Array
  readonly #times: Float64Array
  /** The values in their order, while `#isSorted`. */
  readonly #sorted: Float64Array
  #isSorted = false
  #count = 0

  constructor(size: number) {
    this.#values = new Float64Array(size)
    this.#times = new Float64Array(size)
    this.#sorted = new Float64Array(size)
  }

  add(latency: number, now: number): void {
    const filled = this.#filled
    const at = this.#count++ % this.#values.length
    if (this.#isSorted)
      this.#place(latency, filled, at < filled ? this.#sorted.indexOf(this.#values[at] as number) : filled)
    this.#values[at] = latency
    this.#times[at] = now
  }

  /** Nearest rank; undefined when there are fewer than `least`, none of them older than `since`. */
  quantile(share: number, least: number, since: number = -Infinity): number | undefined {
    const filled = this.#filled
    if (filled < least || filled === 0) return undefined
    const oldest = this.#times[filled < this.#values.length ? 0 : this.#count % filled] as number
    if (oldest < since) return this.#quantileSince(share, least, since)
    if (!this.#isSorted) {
      this.#sorted.set(this.#values)
      this.#sorted.subarray(0, filled).sort()
      this.#isSorted = true
    }
    return this.#sorted[rank(share, filled)]
  }

  clear(): void {
    this.#count = 0
    this.#isSorted = false
  }

  get #filled(): number {
    return Math.min(this.#count, this.#values.length)
  }

  /** Puts a value into the order of `filled` others, in the place of the one at `from`. */
  #place(value: number, filled: number, from: number): void {
    const sorted = this.#sorted
    let at = from
    for (; at > 0 && (sorted[at - 1] as number) > value; at--) sorted[at] = sorted[at - 1] as number
    for (; at + 1 < filled && (sorted[at + 1] as number) < value; at++) sorted[at] = sorted[at + 1] as number
    sorted[at] = value
  }

  #quantileSince(share: number, least: number, since: number): number | undefined {
    const recent = this.#values.filter((_, at) => at < this.#filled && (this.#times[at] as number) >= since)
    return recent.length < least || recent.length === 0
      ? undefined
      : recent.sort()[rank(share, recent.length)]
  }
}

/** The place of a quantile among so many in order. */
const rank = (share: number, count: number): number => Math.max(0, Math.ceil(share * count) - 1)
