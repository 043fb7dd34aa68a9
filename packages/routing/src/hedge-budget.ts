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

  /** Takes one hedge where there is one and the other budget agrees, which is asked last since it is charged then. */
  take(agrees: () => boolean = () => true): boolean {
    // So many shares of one make one, in spite of rounding.
    if (this.#tokens < 1 - 1e-9 || !agrees()) return false
    this.#tokens -= 1
    return true
  }
}

/** Quiet times save up for no more hedges than this. */
const most = 10
