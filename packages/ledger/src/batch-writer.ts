import type { CancelTimer, Clock } from '@spillway/middleware'
import type { Journal } from './journal.ts'

export interface BatchOptions {
  readonly maxRows: number
  readonly maxWait: number
  readonly maxBuffered: number
}

/** Where batches go. Takes all of one or throws; what it has already, by its id, it leaves as it is. */
export interface BatchStore<Entry> {
  write(entries: readonly Entry[]): Promise<unknown>
}

/** How a {@link BatchWriter} is doing. */
export interface WriterState {
  /** Whether the last write failed. */
  readonly isAway: boolean
  readonly lastError: unknown
  readonly buffered: number
  readonly journalBytes: number
  /** Entries that neither the database nor the journal could take. */
  readonly lost: number
}

/** The first wait for a database that is away, and the longest, in milliseconds. */
const firstRetry = 500
const longestRetry = 5000

/** How long a close waits for a store that does not answer, in milliseconds. */
const longestClose = 3000

/** Collects entries and writes them in batches, one at a time; into the journal while the store fails. */
export class BatchWriter<Entry> {
  readonly #store: BatchStore<Entry>
  readonly #journal: Journal<Entry> | undefined
  readonly #clock: Clock
  readonly #options: BatchOptions
  #buffer: Entry[] = []
  #cancelTimer: CancelTimer | undefined
  /** When the timer fires. */
  #due = 0
  #running: Promise<void> | undefined
  #retryAt = 0
  #retryWait = firstRetry
  #closing = false
  /** Whether the journal may hold something. */
  #isBehind: boolean
  #lost = 0
  #lastError: unknown

  constructor(
    store: BatchStore<Entry>,
    journal: Journal<Entry> | undefined,
    clock: Clock,
    options: BatchOptions,
  ) {
    this.#store = store
    this.#journal = journal
    this.#clock = clock
    this.#options = options
    this.#isBehind = journal !== undefined
    if (this.#isBehind) this.#schedule(0)
  }

  get state(): WriterState {
    return {
      isAway: this.#lastError !== undefined,
      lastError: this.#lastError,
      buffered: this.#buffer.length,
      journalBytes: this.#journal?.bytes ?? 0,
      lost: this.#lost,
    }
  }

  /** Takes a row. Never throws and never waits. */
  add(entry: Entry): void {
    if (this.#buffer.length >= this.#options.maxBuffered) {
      this.#lost++
      return
    }
    this.#buffer.push(entry)
    const isFull = this.#buffer.length >= this.#options.maxRows
    this.#schedule(isFull && this.#hasPlace ? 0 : this.#nextWait())
  }

  /** Writes what there is, now. Resolves when everything taken so far is in the store or in the journal. */
  async flush(): Promise<void> {
    await this.#running
    await this.#run(true)
  }

  /** Flushes. What a store that does not answer has not taken by {@link longestClose} goes to the journal. */
  async close(): Promise<void> {
    this.#closing = true
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const cancel = this.#clock.setTimer(longestClose, () => {
      // The batch on its way too: the store knows by their ids what it has already.
      this.#keep().then(resolve)
    })
    await Promise.race([this.flush(), late])
    cancel()
    this.#cancelTimer?.()
  }

  /** Whether what is in memory can go somewhere. */
  get #hasPlace(): boolean {
    return this.#journal !== undefined || this.#lastError === undefined
  }

  /** What is in memory must not wait for the store to be tried again, if there is a disk. */
  #nextWait(): number {
    const { maxWait } = this.#options
    if (this.#lastError === undefined || (this.#hasPlace && this.#buffer.length > 0)) return maxWait
    return Math.max(maxWait, this.#retryAt - this.#clock.now())
  }

  #schedule(wait: number): void {
    if (this.#closing || this.#running !== undefined) return
    const due = this.#clock.now() + wait
    if (this.#cancelTimer !== undefined && this.#due <= due) return
    this.#cancelTimer?.()
    this.#due = due
    this.#cancelTimer = this.#clock.setTimer(wait, () => {
      this.#cancelTimer = undefined
      this.#run(false)
    })
  }

  #run(isForced: boolean): Promise<void> {
    this.#running ??= this.#work(isForced).finally(() => {
      this.#running = undefined
      if (this.#buffer.length > 0 || this.#isBehind) this.#schedule(this.#nextWait())
    })
    return this.#running
  }

  async #work(isForced: boolean): Promise<void> {
    const mayTry = isForced || this.#clock.now() >= this.#retryAt
    if (mayTry && (await this.#replay())) {
      while (this.#buffer.length > 0) {
        const batch = this.#buffer.slice(0, this.#options.maxRows)
        if (!(await this.#write(batch))) break
        this.#buffer.splice(0, batch.length)
      }
    }
    await this.#keep()
  }

  /** Puts the journal into the store; false when the store is away, or the journal cannot be read. */
  async #replay(): Promise<boolean> {
    if (this.#journal === undefined || !this.#isBehind) return true
    try {
      for (const file of await this.#journal.files()) {
        const entries = await this.#journal.read(file)
        if (entries.length > 0 && !(await this.#write(entries))) return false
        await this.#journal.remove(file)
      }
    } catch (error) {
      this.#failed(error)
      return false
    }
    this.#isBehind = false
    return true
  }

  async #write(entries: readonly Entry[]): Promise<boolean> {
    try {
      await this.#store.write(entries)
      this.#lastError = undefined
      this.#retryWait = firstRetry
      this.#retryAt = 0
      return true
    } catch (error) {
      this.#failed(error)
      return false
    }
  }

  #failed(error: unknown): void {
    this.#lastError = error
    this.#retryAt = this.#clock.now() + this.#retryWait
    this.#retryWait = Math.min(this.#retryWait * 2, longestRetry)
  }

  /** What the store did not take goes to disk; what the disk does not take is lost, and counted. */
  async #keep(): Promise<void> {
    if (this.#journal === undefined || this.#buffer.length === 0) return
    const batch = this.#buffer.splice(0)
    const isKept = await this.#journal.append(batch).catch(() => false)
    if (isKept) this.#isBehind = true
    else this.#lost += batch.length
  }
}
