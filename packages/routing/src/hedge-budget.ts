/** What hedges may cost: each call deposits a share of one, each hedge takes one. Nothing to begin with. */
export class HedgeBudget {
  readonly #share: number
  #tokens = 0

  constructor(share: number) {
    this.#share = share
  }

  deposit(): void {
    this.#tokens = Math.min(most, this.#tokens + this.#share)
  }

  take(): boolean {
    // So many shares of one make one, in spite of rounding.
    if (this.#tokens < 1 - 1e-9) return false
    this.#tokens -= 1
    return true
  }
}

/** Quiet times save up for no more hedges than this. */
const most = 10
