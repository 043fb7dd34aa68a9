import type { Clock } from '@spillway/middleware'
import type { Journal } from './journal.ts'
import { reasonOf } from './rejected-entries.ts'

/** A disk that took no rows is tried again after so long, in milliseconds. */
const tryAgain = 500

/** Where entries are: on disk, or not, because the journal is full or the disk fails. */
export type Appended = 'kept' | 'full' | 'failed'

/** Appends to a journal, and says when its disk fails and is back. */
export class JournalAppends<Entry> {
  readonly #journal: Journal<Entry>
  readonly #clock: Clock
  readonly #warn: (line: string) => void
  #error: unknown
  #takesNone = false
  #againAt = 0

  constructor(journal: Journal<Entry>, clock: Clock, warn: (line: string) => void) {
    this.#journal = journal
    this.#clock = clock
    this.#warn = warn
  }

  /** Why the last append failed; undefined when it has not. */
  get error(): unknown {
    return this.#error
  }

  /** Whether the last append was not kept: the journal is full, or its disk fails. */
  get takesNone(): boolean {
    return this.#takesNone
  }

  /** When it is worth trying again. */
  get againAt(): number {
    return this.#againAt
  }

  /** Whether it is too early to try again. */
  get isAway(): boolean {
    return this.#clock.now() < this.#againAt
  }

  /** Never rejects. */
  async append(entries: readonly Entry[]): Promise<Appended> {
    try {
      const isKept = await this.#journal.append(entries)
      if (this.#error !== undefined) this.#warn('the journal can be written again')
      this.#error = undefined
      this.#takesNone = !isKept
      this.#againAt = isKept ? 0 : this.#clock.now() + tryAgain
      return isKept ? 'kept' : 'full'
    } catch (error) {
      if (this.#error === undefined)
        this.#warn(`the journal cannot be written, its rows wait in memory: ${reasonOf(error)}`)
      this.#error = error
      this.#takesNone = true
      this.#againAt = this.#clock.now() + tryAgain
      return 'failed'
    }
  }
}
