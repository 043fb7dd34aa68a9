import type { Clock } from '@spillway/middleware'
import { isDataError } from './data-errors.ts'

/** Where batches go. Takes all of one or throws; what it has already, by its id, it leaves as it is. */
export interface BatchStore<Entry> {
  /** @param signal aborted when the writer no longer waits; a store that can gives up then */
  write(entries: readonly Entry[], signal: AbortSignal): Promise<unknown>
}

/** The first wait for a database that is unavailable, and the longest, in milliseconds. */
const firstRetry = 500
const longestRetry = 5000

/** After a write that took too long, the next batch has a part of its rows; each success doubles it. */
const smaller = 4

export interface StoreWritesOptions<Entry> {
  /** Rows in one batch at most. */
  readonly maxRows: number
  /** How long a write may take, in milliseconds. */
  readonly deadline: number
  /** Takes an entry that the store refuses for what it is. */
  readonly setAside: (entry: Entry, error: unknown) => Promise<void>
  /** Hears when the store goes away, and when it is back (undefined). */
  readonly onAway: (error: unknown) => void
}

/** Writes to a store, one at a time, each with a deadline; finds the row that a store refuses, and sets it aside. */
export class StoreWrites<Entry> {
  readonly #store: BatchStore<Entry>
  readonly #clock: Clock
  readonly #options: StoreWritesOptions<Entry>
  #giveUp: (() => void) | undefined
  #isClosed = false
  /** A write that ran out of time and has not ended: no other is begun, so that they do not pile up. */
  #isHung = false
  #maxRows: number
  #retryAt = 0
  #retryWait = firstRetry
  #lastError: unknown

  constructor(store: BatchStore<Entry>, clock: Clock, options: StoreWritesOptions<Entry>) {
    this.#store = store
    this.#clock = clock
    this.#options = options
    this.#maxRows = options.maxRows
  }

  /** Why the last write failed; undefined when it has not. */
  get lastError(): unknown {
    return this.#lastError
  }

  /** Whether the last write did not fail, and another one may be begun. */
  get isWell(): boolean {
    return this.#lastError === undefined && !this.#isHung && !this.#isClosed
  }

  /** When it is worth trying again. */
  get retryAt(): number {
    return this.#retryAt
  }

  /** Rows of the next batch at most. */
  get batchRows(): number {
    return Math.max(1, this.#maxRows)
  }

  /**
   * Writes a batch.
   * @returns how many entries from its front are done with: written, or set aside. Fewer than all when the store is unavailable.
   */
  async write(entries: readonly Entry[]): Promise<number> {
    if (entries.length === 0) return 0
    if (this.#isHung || this.#isClosed) return 0
    try {
      await this.#inTime(entries)
    } catch (error) {
      if (!isDataError(error)) {
        this.failed(error)
        return 0
      }
      const [entry] = entries
      if (entries.length === 1 && entry !== undefined) {
        await this.#options.setAside(entry, error)
        return 1
      }
      const middle = entries.length >> 1
      const first = await this.write(entries.slice(0, middle))
      return first < middle ? first : middle + (await this.write(entries.slice(middle)))
    }
    this.#maxRows = Math.min(this.#options.maxRows, this.#maxRows * 2)
    this.#retryWait = firstRetry
    this.#retryAt = 0
    const wasAway = this.#lastError !== undefined
    this.#lastError = undefined
    if (wasAway) this.#options.onAway(undefined)
    return entries.length
  }

  /** Notes that the store, or what is read for it, cannot be had now. */
  failed(error: unknown): void {
    const wasAway = this.#lastError !== undefined
    this.#lastError = error
    this.#retryAt = this.#clock.now() + this.#retryWait
    this.#retryWait = Math.min(this.#retryWait * 2, longestRetry)
    if (!wasAway) this.#options.onAway(error)
  }

  /** No longer waits for the write in flight, which its store ends where it can, and begins no other. */
  close(): void {
    this.#isClosed = true
    this.#giveUp?.()
  }

  async #inTime(entries: readonly Entry[]): Promise<void> {
    const { deadline } = this.#options
    const abort = new AbortController()
    const { promise: late, reject } = Promise.withResolvers<never>()
    const giveUp = (why: string): void => {
      this.#isHung = true
      reject(new Error(`the database did not answer ${why}`))
      abort.abort()
    }
    this.#giveUp = () => giveUp('before the end')
    const cancel = this.#clock.setTimer(deadline, () => {
      this.#maxRows = Math.ceil(Math.min(entries.length, this.#maxRows) / smaller)
      giveUp(`within ${deadline} ms`)
    })
    const end = (): void => {
      this.#isHung = false
    }
    const write = this.#store.write(entries, abort.signal)
    write.then(end, end)
    try {
      await Promise.race([write, late])
    } finally {
      this.#giveUp = undefined
      cancel()
    }
  }
}
