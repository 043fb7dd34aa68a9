import type { JsonBody } from '@spillway/middleware/kit'
import type { Limits } from '@spillway/rate-limit'
import { OutputBooks } from './output-books.ts'
import { OwnWindow, resolution } from './own-windows.ts'

/** Length of a bucket of the series, in milliseconds. */
export const bucketMs = 300_000

/** What calls to one model took, and what became of them. */
export class ModelRecord {
  /** Calls that were answered. */
  answered = 0
  /** Attempts that were let through to the vendor. */
  attempts = 0
  /** Input that the vendor counted for them. */
  inputTokens = 0
  outputTokens = 0
  /** Attempts that the vendor's limits refused, and those that it refused or failed without any limit. */
  limited = 0
  faults = 0
  /**
   * Refusals of our own; those while the vendor, and our own limits, had capacity for the call; and those while there was
   * capacity for all the calls besides that had come before it and waited.
   */
  refused = 0
  refusedPassable = 0
  wronglyRefused = 0
  /** The same for counts of tokens. */
  counts = 0
  countsRefused = 0
  countsLimited = 0
  /** Milliseconds from when a call was made to when it was let through, refusals and retries included. */
  readonly waits: number[] = []
  /** Input counted in each bucket of the day. */
  readonly series: number[] = []
  /** What was really used in any minute: input when a call came, output when it had been generated. */
  readonly own = { requests: new OwnWindow(), input: new OwnWindow(), output: new OwnWindow() }
  /** The same as far as the limiter can tell times apart; output by when its call came. */
  readonly #asCounted = [1, 2, 3].map(() => new OwnWindow(60_000 + resolution))
  /** The most output that was reserved or used of our own limit when a call was let through, as the limiter counts. */
  mostReserved = 0
  /** The same booked beside the limiter, and output by when it was generated. */
  readonly outputBooks = new OutputBooks()
  /** Calls that have been made and have not gone to the vendor, in the order in which they came. */
  readonly waiting = new Set<JsonBody>()
  /** Output by when its call came, which only somebody knows who knows everything. */
  readonly asked = new OwnWindow()

  /** An attempt goes to the vendor now. */
  admit(inputTokens: number, outputTokens: number, now: number): void {
    this.attempts++
    this.inputTokens += inputTokens
    this.outputTokens += outputTokens
    const bucket = Math.floor(now / bucketMs)
    this.series[bucket] = (this.series[bucket] ?? 0) + inputTokens
    this.own.requests.add(1, now)
    this.own.input.add(inputTokens, now)
    this.asked.add(outputTokens, now)
    for (const [index, amount] of [1, inputTokens, outputTokens].entries())
      this.#asCounted[index]?.add(amount, now)
  }

  /** Whether our own limits have capacity for a call of this size, by what was really used. */
  hasOwnCapacity(inputTokens: number, outputTokens: number, limits: Limits, now: number): boolean {
    const { requests, input } = this.own
    return fits([requests, input, this.asked], [1, inputTokens, outputTokens], limits, now)
  }

  /** Whether they have had it for long enough that the limiter could tell. */
  hadOwnCapacity(inputTokens: number, outputTokens: number, limits: Limits, now: number): boolean {
    return fits(this.#asCounted, [1, inputTokens, outputTokens], limits, now)
  }
}

function fits(
  used: readonly OwnWindow[],
  asked: readonly number[],
  { requestsPerMinute, inputTokensPerMinute, outputTokensPerMinute }: Limits,
  now: number,
): boolean {
  const limits = [requestsPerMinute, inputTokensPerMinute, outputTokensPerMinute]
  return used.every((window, index) => window.used(now) + (asked[index] ?? 0) <= (limits[index] ?? Infinity))
}

/** The records of a day, by model. */
export type DayRecord = ReadonlyMap<string, ModelRecord>
