/**
 * Finagle's peak EWMA: an exponentially weighted moving average that jumps to a higher value at once and forgets it in
 * the course of time, so that trouble is seen early and calm is believed late.
 *
 * Finagle lets the cost of a node that is not asked fall to zero, which draws calls to it; here it approaches what is
 * usual among all, so that an idle endpoint is neither shunned for ever nor favoured.
 * (`com.twitter.finagle.loadbalancer.PeakEwma`)
 */
export class PeakEwma {
  readonly #decay: number
  #value: number | undefined
  #at = 0

  constructor(decay: number) {
    this.#decay = decay
  }

  observe(latency: number, now: number, usual: number): void {
    const weight = this.#weight(now)
    const value = this.#value ?? latency
    const current = usual + (value - usual) * weight
    this.#value = latency > current ? latency : value * weight + latency * (1 - weight)
    this.#at = now
  }

  /** The value by now; `usual` while nothing has been observed. */
  value(now: number, usual: number): number {
    if (this.#value === undefined) return usual
    return usual + (this.#value - usual) * this.#weight(now)
  }

  /** The value when something was last observed. */
  get latest(): number | undefined {
    return this.#value
  }

  forget(): void {
    this.#value = undefined
  }

  #weight(now: number): number {
    return Math.exp(-Math.max(0, now - this.#at) / this.#decay)
  }
}
