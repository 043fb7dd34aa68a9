import type { CancelTimer, Clock } from '@spillway/middleware'
import type { Journal } from './journal.ts'
import { type RejectedEntries, reasonOf } from './rejected-entries.ts'
import { type BatchStore, StoreWrites } from './store-writes.ts'

export interface BatchOptions {
  readonly maxRows: number
  readonly maxWait: number
  readonly maxBuffered: number
  readonly writeTimeout: number
  /** Hears a line when the store goes away, is back, or refuses an entry. */
  readonly warn: (line: string) => void
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
  /** Entries that the database refuses for what they are. With a journal they are kept beside it. */
  readonly rejected: number
}

/** How long a close waits for a store that does not answer, in milliseconds. */
const longestClose = 3000

/** A write that takes longer keeps nothing in memory: a process that is killed meanwhile would lose it. */
const slowWrite = 1000

/** What entries are kept in while their store cannot take them. */
export interface Disk<Entry> {
  readonly journal: Journal<Entry>
  readonly rejected: RejectedEntries<Entry>
}

/** Collects entries and writes them in batches, one at a time; into the journal while the store fails or is slow. */
export class BatchWriter<Entry> {
  readonly #writes: StoreWrites<Entry>
  readonly #journal: Journal<Entry> | undefined
  readonly #clock: Clock
  readonly #options: BatchOptions
  #buffer: Entry[] = []
  /** Entries at the front of the buffer that are on their way, and how many of them are in the journal as well. */
  #inFlight = 0
  #copied = 0
  #cancelTimer: CancelTimer | undefined
  /** When the timer fires. */
  #due = 0
  #cancelSpill: CancelTimer | undefined
  /** What is on its way to disk: entries behind it must not overtake it, and a close waits for it. */
  #spilling: Promise<void> = Promise.resolve()
  #running: Promise<void> | undefined
  #startedAt = 0
  #closing = false
  /** Whether the journal may hold something. */
  #isBehind: boolean
  #lost = 0
  #rejected = 0

  constructor(store: BatchStore<Entry>, disk: Disk<Entry> | undefined, clock: Clock, options: BatchOptions) {
    const { maxRows, writeTimeout: deadline, warn } = options
    this.#writes = new StoreWrites(store, clock, {
      maxRows,
      deadline,
      setAside: async (entry, error) => {
        this.#rejected++
        const reason = reasonOf(error)
        const isKept = await disk?.rejected
          .keep({ at: Math.round(clock.epoch()), reason, entry })
          .catch(() => false)
        if (!isKept) this.#lost++
        warn(`a row was refused by its database and ${isKept ? 'set aside' : 'is lost'}: ${reason}`)
      },
      onAway: (error) =>
        warn(
          error === undefined
            ? 'the database takes rows again'
            : `the database takes no rows, which wait ${disk === undefined ? 'in memory' : 'in the journal'}: ${reasonOf(error)}`,
        ),
    })
    this.#journal = disk?.journal
    this.#clock = clock
    this.#options = options
    this.#isBehind = disk !== undefined
    if (this.#isBehind) this.#schedule(0)
  }

  get state(): WriterState {
    const { lastError } = this.#writes
    return {
      isAway: lastError !== undefined,
      lastError,
      buffered: this.#buffer.length,
      journalBytes: this.#journal?.bytes ?? 0,
      lost: this.#lost,
      rejected: this.#rejected,
    }
  }

  /** Takes a row. Never throws and never waits. */
  add(entry: Entry): void {
    if (this.#buffer.length >= this.#options.maxBuffered) {
      this.#lost++
      return
    }
    this.#buffer.push(entry)
    if (this.#running !== undefined) {
      this.#scheduleSpill()
      return
    }
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
      this.#writes.abort()
      this.#spilling = this.#spilling.then(() => this.#keepAll())
      this.#spilling.then(resolve)
    })
    await Promise.race([this.flush(), late])
    cancel()
    // A flush that was given up ends at once, while what it had is still on its way to disk.
    await this.#spilling
    this.#cancelTimer?.()
    this.#cancelSpill?.()
    this.#journal?.close()
  }

  /** Whether what is in memory can go somewhere. */
  get #hasPlace(): boolean {
    return this.#journal !== undefined || this.#writes.lastError === undefined
  }

  /** What is in memory must not wait for the store to be tried again, if there is a disk. */
  #nextWait(): number {
    const { maxWait } = this.#options
    if (this.#writes.lastError === undefined || (this.#hasPlace && this.#buffer.length > 0)) return maxWait
    return Math.max(maxWait, this.#writes.retryAt - this.#clock.now())
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

  /** While the store is slow, and before memory is full. */
  #scheduleSpill(): void {
    if (this.#journal === undefined || this.#closing || this.#cancelSpill !== undefined) return
    const { maxBuffered, maxWait } = this.#options
    const isFilling = this.#buffer.length - this.#inFlight > maxBuffered / 2
    const wait = isFilling ? 0 : Math.max(maxWait, this.#startedAt + slowWrite - this.#clock.now())
    this.#cancelSpill = this.#clock.setTimer(wait, () => {
      this.#cancelSpill = undefined
      if (this.#running !== undefined) this.#spilling = this.#spilling.then(() => this.#spill())
    })
  }

  #run(isForced: boolean): Promise<void> {
    this.#running ??= this.#work(isForced).finally(() => {
      this.#running = undefined
      this.#cancelSpill?.()
      this.#cancelSpill = undefined
      if (this.#buffer.length > 0 || this.#isBehind) this.#schedule(this.#nextWait())
    })
    return this.#running
  }

  async #work(isForced: boolean): Promise<void> {
    this.#startedAt = this.#clock.now()
    const mayTry = isForced || this.#startedAt >= this.#writes.retryAt
    if (mayTry) await this.#writeAll()
    await this.#spilling
    await this.#keep(this.#buffer.splice(0))
  }

  async #writeAll(): Promise<void> {
    while (await this.#replay()) {
      const batch = this.#buffer.slice(0, this.#writes.batchRows)
      if (batch.length === 0) return
      this.#inFlight = batch.length
      this.#startedAt = this.#clock.now()
      this.#scheduleSpill()
      const done = await this.#writes.write(batch)
      // Whether the copies are on disk is known when they have been written.
      await this.#spilling
      // Of a batch that did not go through, what is in the journal already need not be kept again.
      const gone = done === batch.length ? done : Math.max(done, this.#copied)
      this.#buffer.splice(0, Math.min(gone, this.#inFlight))
      this.#inFlight = 0
      this.#copied = 0
      if (done < batch.length) return
    }
  }

  /** Puts the journal into the store; false when the store is away, or the journal cannot be read. */
  async #replay(): Promise<boolean> {
    await this.#spilling
    const journal = this.#journal
    if (journal === undefined) return true
    try {
      while (this.#isBehind) {
        this.#isBehind = false
        const files = await journal.files()
        while (files.length > 0) {
          if (await this.#replayFirst(journal, files)) continue
          this.#isBehind = true
          return false
        }
      }
    } catch (error) {
      this.#isBehind = true
      this.#writes.failed(error)
      return false
    }
    return true
  }

  /** Writes the first files of a list, as many as make a batch, and takes them off it; false when the store is away. */
  async #replayFirst(journal: Journal<Entry>, files: string[]): Promise<boolean> {
    const taken: { file: string; entries: Entry[] }[] = []
    const entries: Entry[] = []
    while (files.length > 0 && entries.length < this.#writes.batchRows) {
      const file = files.shift() as string
      const inside = await journal.read(file)
      taken.push({ file, entries: inside })
      entries.push(...inside)
    }
    let done = 0
    while (done < entries.length) {
      this.#startedAt = this.#clock.now()
      const batch = entries.slice(done, done + this.#writes.batchRows)
      const count = await this.#writes.write(batch)
      done += count
      if (count < batch.length) break
    }
    let left = done
    for (const { file, entries: inside } of taken) {
      if (left < inside.length) {
        if (left > 0) await journal.replace(file, inside.slice(left))
        return false
      }
      await journal.remove(file)
      left -= inside.length
    }
    return true
  }

  /** What waits goes to disk, with a copy of what is on its way for long: the store knows by their ids what it has already. */
  async #spill(): Promise<void> {
    const waiting = this.#buffer.splice(this.#inFlight)
    const copied = this.#copied
    const isSlow = this.#clock.now() - this.#startedAt >= slowWrite
    const onTheirWay = isSlow ? this.#buffer.slice(copied) : []
    this.#copied += onTheirWay.length
    if (await this.#journaled([...onTheirWay, ...waiting])) return
    // The store may come back before memory is full.
    this.#copied = copied
    this.#buffer.splice(this.#inFlight, 0, ...waiting)
  }

  /** All of memory goes to disk, what is on its way too. */
  async #keepAll(): Promise<void> {
    const entries = this.#buffer.splice(0).slice(this.#copied)
    this.#inFlight = 0
    this.#copied = 0
    await this.#keep(entries)
  }

  /** What the store did not take goes to disk; what the disk does not take is lost, and counted. */
  async #keep(entries: Entry[]): Promise<void> {
    if (this.#journal === undefined) this.#buffer.unshift(...entries)
    else if (!(await this.#journaled(entries))) this.#lost += entries.length
  }

  async #journaled(entries: readonly Entry[]): Promise<boolean> {
    if (entries.length === 0) return true
    const isKept = (await this.#journal?.append(entries).catch(() => false)) ?? false
    if (isKept) this.#isBehind = true
    return isKept
  }
}
