import type { MirrorSide, Percentiles } from '@spillway/gateway-api'
import type { ComparedAnswer, Comparison } from '@spillway/mirror'
import { costOf, type PriceTable } from '@spillway/usage'

/** Percentiles are those of so many comparisons, the newest. */
const mostTimes = 1000

/** Who is paid on either side, as in the price table. */
export interface Providers {
  readonly primary: string
  readonly candidate: string
  /** What their models cost. @default the published prices */
  readonly primaryPrices?: PriceTable | undefined
  readonly candidatePrices?: PriceTable | undefined
}

/** What a mirror has found so far. */
export interface MirrorFindings {
  readonly comparisons: number
  readonly primary: MirrorSide
  readonly candidate: MirrorSide
  readonly similarity: number | null
}

/** Adds up comparisons; takes the same memory however many there are. */
export class MirrorTally {
  readonly #primary: SideTally
  readonly #candidate: SideTally
  #comparisons = 0
  #similarity = 0
  #compared = 0

  constructor({ primary, candidate, primaryPrices, candidatePrices }: Providers) {
    this.#primary = new SideTally(primary, primaryPrices)
    this.#candidate = new SideTally(candidate, candidatePrices)
  }

  /** `at` is the time of the call, in milliseconds since the Unix epoch: prices change. */
  add({ primary, candidate, model, textSimilarity }: Comparison, at: number): void {
    this.#comparisons++
    this.#primary.add(primary, model, at)
    this.#candidate.add(candidate, model, at)
    if (textSimilarity === undefined) return
    this.#similarity += textSimilarity
    this.#compared++
  }

  /** How alike the answers are, 0 to 1: the mean; null while none have been compared. */
  get similarity(): number | null {
    return this.#compared === 0 ? null : this.#similarity / this.#compared
  }

  findings(): MirrorFindings {
    return {
      comparisons: this.#comparisons,
      primary: this.#primary.view(),
      candidate: this.#candidate.view(),
      similarity: this.similarity,
    }
  }
}

class SideTally {
  readonly #provider: string
  readonly #prices: PriceTable | undefined
  readonly #firstContent = new NewestTimes()
  readonly #total = new NewestTimes()
  #failures = 0
  #outputTokens = 0
  #cost: number | undefined

  constructor(provider: string, prices: PriceTable | undefined) {
    this.#provider = provider
    this.#prices = prices
  }

  add(
    { failure, timeToFirstTokenMs, totalMs, usage, model }: ComparedAnswer,
    asked: string,
    at: number,
  ): void {
    if (failure !== undefined) this.#failures++
    if (timeToFirstTokenMs !== undefined) this.#firstContent.add(timeToFirstTokenMs)
    // How long a failure takes says nothing about answers.
    if (failure === undefined) this.#total.add(totalMs)
    this.#outputTokens += usage?.outputTokens ?? 0
    const { nanoDollars } = costOf(
      usage,
      { model: model ?? asked, asked, provider: this.#provider, at },
      this.#prices,
    )
    if (nanoDollars !== undefined) this.#cost = (this.#cost ?? 0) + nanoDollars
  }

  view(): MirrorSide {
    return {
      failures: this.#failures,
      firstContent: this.#firstContent.percentiles(),
      total: this.#total.percentiles(),
      outputTokens: this.#outputTokens,
      costNano: this.#cost === undefined ? null : String(this.#cost),
    }
  }
}

/** A ring of durations in milliseconds. */
class NewestTimes {
  readonly #times: number[] = []
  #next = 0

  add(milliseconds: number): void {
    this.#times[this.#next] = milliseconds
    this.#next = (this.#next + 1) % mostTimes
  }

  /** By nearest rank. */
  percentiles(): Percentiles {
    const sorted = this.#times.toSorted((a, b) => a - b)
    const at = (share: number): number | null =>
      sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
  }
}
