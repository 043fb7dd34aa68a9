import type { Clock } from '@spillway/middleware'

/** While rows are being lost, a line says so as often, in milliseconds. */
const betweenLines = 60_000

/** Counts the rows that are kept nowhere, and says so. */
export class LostRows {
  readonly #clock: Clock
  readonly #warn: (line: string) => void
  #count = 0
  #said = 0
  #saidAt = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, warn: (line: string) => void) {
    this.#clock = clock
    this.#warn = warn
  }

  get count(): number {
    return this.#count
  }

  /** @param why what could not take them, and what to do */
  add(count: number, why: string): void {
    if (count === 0) return
    this.#count += count
    if (this.#clock.now() - this.#saidAt < betweenLines) return
    this.#saidAt = this.#clock.now()
    this.#say(why)
  }

  /** Says what has been lost since the last line. */
  close(): void {
    if (this.#count > this.#said) this.#say('they came after the line before')
  }

  #say(why: string): void {
    const rows = this.#count - this.#said
    this.#said = this.#count
    this.#warn(`${rows} ${rows === 1 ? 'row is' : 'rows are'} lost: ${why}`)
  }
}
