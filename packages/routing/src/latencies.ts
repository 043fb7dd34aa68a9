/**
 * The last times to first token, as many as `size`, with when they were taken. Quantiles are of those; they are
 * computed again after some more have come, so that asking for one costs next to nothing.
 */
export class Latencies {
  readonly #values: Float64Array
  readonly #times: Float64Array
  readonly #sorted: Float64Array
  readonly #refresh: number
  #count = 0
  #cached: number | undefined
  #cachedAt = 0

  constructor(size: number) {
    this.#values = new Float64Array(size)
    this.#times = new Float64Array(size)
    this.#sorted = new Float64Array(size)
    this.#refresh = Math.max(1, size >> 2)
  }

  add(latency: number, now: number): void {
    const at = this.#count++ % this.#values.length
    this.#values[at] = latency
    this.#times[at] = now
  }

  /** Nearest rank; undefined when there are fewer than `least`, none of them older than `since`. */
  quantile(share: number, least: number, since: number = -Infinity): number | undefined {
    const count = this.#sortRecent(since)
    if (count < least || count === 0) return undefined
    return this.#sorted[Math.max(0, Math.ceil(share * count) - 1)]
  }

  /** A quantile that is up to a quarter of `size` observations old. */
  recentQuantile(share: number, least: number): number | undefined {
    if (this.#cached === undefined || this.#count - this.#cachedAt >= this.#refresh) {
      this.#cached = this.quantile(share, least)
      this.#cachedAt = this.#count
    }
    return this.#cached
  }

  clear(): void {
    this.#count = 0
    this.#cached = undefined
    this.#cachedAt = 0
  }

  /** Writes those that are not older into `#sorted`, and returns how many; in place, since answers of a slow endpoint ask each time. */
  #sortRecent(since: number): number {
    const filled = Math.min(this.#count, this.#values.length)
    let count = 0
    for (let at = 0; at < filled; at++) {
      if ((this.#times[at] as number) >= since) this.#sorted[count++] = this.#values[at] as number
    }
    this.#sorted.subarray(0, count).sort()
    return count
  }
}
