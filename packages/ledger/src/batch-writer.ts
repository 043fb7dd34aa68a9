import type { Clock } from '@spillway/middleware'
import type { CancelTimer } from '@spillway/middleware/kit'
import { type Disk, setAside } from './disk.ts'
import type { Journal } from './journal.ts'
import { type Appended, JournalAppends } from './journal-appends.ts'
import { JournalReplay } from './journal-replay.ts'
import { LostRows } from './lost-rows.ts'
import { reasonOf } from './rejected-entries.ts'
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
  /** Whether what the database does not take waits in memory: there is no journal, or it takes nothing now. */
  readonly isInMemory: boolean
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

/** Collects entries and writes them in batches, one at a time; into the journal while the store fails or is slow. */
export class BatchWriter<Entry> {
  readonly #writes: StoreWrites<Entry>
  readonly #journal: Journal<Entry> | undefined
  readonly #appends: JournalAppends<Entry> | undefined
  readonly #replay: JournalReplay<Entry> | undefined
  readonly #clock: Clock
  readonly #options: BatchOptions
  readonly #lost: LostRows
  #buffer: Entry[] = []
  /** Entries at the front of the buffer that are on their way, and how many of them are in the journal as well. */
  #inFlight = 0
  #copied = 0
  #cancelTimer: CancelTimer | undefined
  /** When the timer fires. */
  #due = 0
  #cancelSpill: CancelTimer | undefined
  /** Whether its timer is that of a memory that fills. */
  #isSpillingSoon = false
  /** What is on its way to disk: entries behind it must not overtake it, and a close waits for it. */
  #spilling: Promise<void> = Promise.resolve()
  #running: Promise<void> | undefined
  #startedAt = 0
  #closing = false
  #isClosed = false
  #rejected = 0

  constructor(store: BatchStore<Entry>, disk: Disk<Entry> | undefined, clock: Clock, options: BatchOptions) {
    const { maxRows, writeTimeout: deadline, warn } = options
    this.#lost = new LostRows(clock, warn)
    this.#writes = new StoreWrites(store, clock, {
      maxRows,
      deadline,
      setAside: async (entry, error) => {
        this.#rejected++
        const reason = reasonOf(error)
        const rejected = { at: Math.round(clock.epoch()), reason, entry }
        const problem = await setAside(disk, rejected)
        if (problem === undefined) warn(`a row was refused by its database and set aside: ${reason}`)
        else this.#lost.add(1, `it was refused by its database (${reason}), and ${problem}`)
      },
      onAway: (error) =>
        warn(
          error === undefined
            ? 'the database takes rows again'
            : `the database takes no rows, which wait ${disk === undefined ? 'in memory' : 'in the journal'}: ${reasonOf(error)}`,
        ),
    })
    this.#journal = disk?.journal
    this.#appends = disk && new JournalAppends(disk.journal, clock, warn)
    this.#replay = disk && new JournalReplay(disk.journal, this.#writes, clock, warn)
    this.#clock = clock
    this.#options = options
    if (this.#isBehind) this.#schedule(0)
  }

  get state(): WriterState {
    const { lastError } = this.#writes
    return {
      isAway: lastError !== undefined,
      lastError,
      buffered: this.#buffer.length,
      isInMemory: this.#appends?.takesNone ?? true,
      journalBytes: this.#journal?.bytes ?? 0,
      lost: this.#lost.count,
      rejected: this.#rejected,
    }
  }

  /** Takes a row. Never throws and never waits. */
  add(entry: Entry): void {
    if (this.#isClosed) return this.#lost.add(1, 'it came after the end')
    if (this.#buffer.length >= this.#options.maxBuffered) return this.#lost.add(1, this.#whyFull())
    this.#buffer.push(entry)
    if (this.#running !== undefined) {
      this.#scheduleSpill()
      return
    }
    this.#schedule(this.#nextWait())
  }

  /** Writes what there is, now. Resolves when everything taken so far is in the store or in the journal. */
  async flush(): Promise<void> {
    await this.#running
    await this.#run(true)
  }

  /** Flushes. What a store that does not answer has not taken by {@link longestClose} goes to the journal. */
  async close(): Promise<void> {
    this.#closing = true
    const cancel = this.#clock.setTimer(longestClose, () => this.#writes.close())
    // Rows may come meanwhile.
    do await this.flush()
    while (this.#buffer.length > 0 && this.#writes.isWell)
    cancel()
    this.#isClosed = true
    await this.#spilling
    // What came meanwhile, or found no place yet.
    await this.#keep(this.#buffer.splice(0))
    this.#lost.close()
    this.#cancelTimer?.()
    this.#cancelSpill?.()
    this.#journal?.close()
  }

  /** Whether the journal may hold something. */
  get #isBehind(): boolean {
    return this.#replay?.isBehind ?? false
  }

  /** Whether what is in memory can go somewhere. */
  get #hasPlace(): boolean {
    return this.#writes.lastError === undefined || this.#appends?.isAway === false
  }

  /** What is in memory must not wait for the store to be tried again, if there is a disk. */
  #nextWait(): number {
    const { maxWait, maxRows } = this.#options
    if (this.#buffer.length >= maxRows && this.#hasPlace) return 0
    const now = this.#clock.now()
    const isAway = this.#writes.lastError !== undefined
    if (this.#buffer.length === 0) {
      const again = isAway ? this.#writes.retryAt : (this.#replay?.againAt ?? 0)
      return Math.max(maxWait, again - now)
    }
    if (!isAway) return maxWait
    const again = this.#appends?.againAt ?? this.#writes.retryAt
    return Math.max(maxWait, again - now)
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
    const { maxBuffered, maxWait } = this.#options
    const isFilling = this.#buffer.length - this.#inFlight > maxBuffered / 2
    const isDue = this.#cancelSpill !== undefined && (!isFilling || this.#isSpillingSoon)
    if (this.#appends === undefined || this.#closing || isDue) return
    const now = this.#clock.now()
    const wait = isFilling ? 0 : Math.max(maxWait, this.#startedAt + slowWrite - now)
    this.#cancelSpill?.()
    this.#isSpillingSoon = isFilling
    this.#cancelSpill = this.#clock.setTimer(Math.max(wait, this.#appends.againAt - now), () => {
      this.#cancelSpill = undefined
      if (this.#running !== undefined) this.#spilling = this.#spilling.then(() => this.#spill())
    })
  }

  /** What is left over, in memory or on disk, is seen to later. */
  #scheduleNext(): void {
    if (this.#buffer.length > 0 || this.#isBehind) this.#schedule(this.#nextWait())
  }

  #run(isForced: boolean): Promise<void> {
    this.#running ??= this.#work(isForced).finally(() => {
      this.#running = undefined
      this.#cancelSpill?.()
      this.#cancelSpill = undefined
      this.#scheduleNext()
    })
    return this.#running
  }

  async #work(isForced: boolean): Promise<void> {
    this.#startedAt = this.#clock.now()
    const mayTry = isForced || this.#startedAt >= this.#writes.retryAt
    const isWritten = mayTry && (await this.#writeTaken(isForced))
    await this.#spilling
    if (isWritten) return
    const { error, isAway = false } = this.#appends ?? {}
    if (isForced || error === undefined || !isAway) await this.#keep(this.#buffer.splice(0))
  }

  /**
   * Writes what has been taken so far, and no more: rows may come as fast as they are written, and whoever flushes waits
   * for the end. False when the store is unavailable.
   */
  async #writeTaken(isForced: boolean): Promise<boolean> {
    let left = this.#buffer.length
    let isFirst = true
    while (await this.#replayed(isForced && isFirst)) {
      isFirst = false
      const batch = this.#buffer.slice(0, Math.min(left, this.#writes.batchRows))
      if (batch.length === 0) return true
      left -= batch.length
      this.#inFlight = batch.length
      this.#startedAt = this.#clock.now()
      this.#scheduleSpill()
      const done = await this.#writes.write(batch)
      // Whether the copies are on disk is known when they have been written.
      await this.#spilling
      // Of a batch that did not go through, what is in the journal already need not be kept again.
      this.#buffer.splice(0, done === batch.length ? done : Math.max(done, this.#copied))
      this.#inFlight = 0
      this.#copied = 0
      if (done < batch.length) return false
    }
    return false
  }

  /** Puts the journal into the store; false when the store is unavailable. */
  async #replayed(isForced: boolean): Promise<boolean> {
    const spilling = this.#spilling
    await spilling
    if (this.#replay === undefined) return true
    const isThere = await this.#replay.run(isForced, () => {
      this.#startedAt = this.#clock.now()
    })
    // What has gone to disk meanwhile comes before what came later.
    return isThere && spilling !== this.#spilling ? this.#replayed(false) : isThere
  }

  /** What waits goes to disk, with a copy of what is on its way for long: the store knows by their ids what it has already. */
  async #spill(): Promise<void> {
    const waiting = this.#buffer.splice(this.#inFlight)
    const copied = this.#copied
    const isSlow = this.#clock.now() - this.#startedAt >= slowWrite
    const onTheirWay = isSlow ? this.#buffer.slice(copied) : []
    this.#copied += onTheirWay.length
    if ((await this.#journaled([...onTheirWay, ...waiting])) !== 'kept') {
      // The store may come back before memory is full.
      this.#copied = copied
      this.#buffer.splice(this.#inFlight, 0, ...waiting)
    }
    // The write may have ended meanwhile, and its run with it.
    this.#scheduleNext()
  }

  /** What the store did not take goes to disk. A disk that is full loses it; one that fails is tried again. */
  async #keep(entries: Entry[]): Promise<void> {
    if (entries.length === 0) return
    const where = await this.#journaled(entries)
    if (where === 'kept') return
    if (where === 'full')
      return this.#lost.add(entries.length, 'the journal is full, and the database takes none')
    if (this.#isClosed) return this.#lost.add(entries.length, this.#whyFull())
    this.#buffer.unshift(...entries)
    const { maxBuffered } = this.#options
    if (this.#buffer.length > maxBuffered)
      this.#lost.add(this.#buffer.splice(maxBuffered).length, this.#whyFull())
  }

  async #journaled(entries: readonly Entry[]): Promise<Appended> {
    if (entries.length === 0) return 'kept'
    if (this.#appends === undefined || this.#replay === undefined) return 'failed'
    const where = await this.#appends.append(entries)
    if (where === 'kept') this.#replay.isBehind = true
    return where
  }

  #whyFull(): string {
    const { lastError } = this.#writes
    const error = this.#appends?.error
    const reasons = [
      ...(lastError === undefined ? [] : [`the database takes none (${reasonOf(lastError)})`]),
      ...(error === undefined ? [] : [`the journal takes none (${reasonOf(error)})`]),
    ]
    return reasons.join(' and ') || 'more rows came than the database and the journal take'
  }
}
