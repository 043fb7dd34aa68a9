import type { Clock } from '@spillway/middleware'
import type { Journal } from './journal.ts'
import { reasonOf } from './rejected-entries.ts'
import type { StoreWrites } from './store-writes.ts'

/** A journal that could not be read is tried again after so long, in milliseconds. */
const readAgain = 5000

/** Puts what waits in a journal into its store. What cannot be read is left for later, and holds up nothing else. */
export class JournalReplay<Entry> {
  /** Whether the journal may hold something. */
  isBehind = true
  readonly #journal: Journal<Entry>
  readonly #writes: StoreWrites<Entry>
  readonly #clock: Clock
  readonly #warn: (line: string) => void
  #againAt = 0
  #error: unknown

  constructor(
    journal: Journal<Entry>,
    writes: StoreWrites<Entry>,
    clock: Clock,
    warn: (line: string) => void,
  ) {
    this.#journal = journal
    this.#writes = writes
    this.#clock = clock
    this.#warn = warn
  }

  /** When it is worth trying again. */
  get againAt(): number {
    return this.#againAt
  }

  /**
   * @param isForced whether a journal that could not be read is tried now
   * @param onWrite hears when a write begins
   * @returns false when the store is unavailable
   */
  async run(isForced: boolean, onWrite: () => void): Promise<boolean> {
    if (!isForced && this.#clock.now() < this.#againAt) return true
    let error: unknown
    try {
      while (this.isBehind) {
        this.isBehind = false
        const files = await this.#journal.files()
        while (files.length > 0) {
          const { isAway, failure } = await this.#first(files, onWrite)
          error ??= failure
          if (!isAway) continue
          this.isBehind = true
          return false
        }
        if (error !== undefined) break
      }
    } catch (thrown) {
      error = thrown
    }
    this.#ended(error)
    return true
  }

  #ended(error: unknown): void {
    const before = this.#error
    this.#error = error
    if (error === undefined) {
      this.#againAt = 0
      if (before !== undefined) this.#warn('the journal can be read again')
      return
    }
    this.isBehind = true
    this.#againAt = this.#clock.now() + readAgain
    if (before === undefined)
      this.#warn(`the journal cannot be read, what is in it waits there: ${reasonOf(error)}`)
  }

  /** Writes the first files of a list, as many as make a batch, and takes them off it. */
  async #first(
    files: string[],
    onWrite: () => void,
  ): Promise<{ readonly isAway: boolean; readonly failure: unknown }> {
    const journal = this.#journal
    const taken: { file: string; entries: Entry[] }[] = []
    const entries: Entry[] = []
    let failure: unknown
    while (files.length > 0 && entries.length < this.#writes.batchRows) {
      const file = files.shift() as string
      try {
        const inside = await journal.read(file)
        taken.push({ file, entries: inside })
        entries.push(...inside)
      } catch (error) {
        failure ??= error
      }
    }
    let left = await this.#written(entries, onWrite)
    for (const { file, entries: inside } of taken) {
      const isAway = left < inside.length
      try {
        if (!isAway) await journal.remove(file)
        else if (left > 0) await journal.replace(file, inside.slice(left))
      } catch (error) {
        // What is written once more is known by its ids.
        failure ??= error
      }
      if (isAway) return { isAway, failure }
      left -= inside.length
    }
    return { isAway: false, failure }
  }

  /** How many from the front are done with. */
  async #written(entries: readonly Entry[], onWrite: () => void): Promise<number> {
    let done = 0
    while (done < entries.length) {
      onWrite()
      const batch = entries.slice(done, done + this.#writes.batchRows)
      const count = await this.#writes.write(batch)
      done += count
      if (count < batch.length) break
    }
    return done
  }
}
