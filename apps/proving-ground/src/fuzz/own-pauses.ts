import { now } from './in-flight.ts'

/** How often this process looks whether it runs, in milliseconds. */
const every = 20

/** A third of the shortest time limit of the configuration: with less, no answer is late for it. */
const longest = 100

const remembered = 1_000

/**
 * The times in which this process did not get to run: its clients and upstreams said nothing then, for no fault of the gateway's.
 */
export class OwnPauses {
  readonly #pauses: { readonly from: number; readonly to: number }[] = []
  #timer: NodeJS.Timeout | undefined
  #last = now()

  start(): void {
    this.#last = now()
    this.#timer = setInterval(() => this.look(now()), every)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Notes how late it is. */
  look(at: number): void {
    if (at - this.#last > every + longest) {
      this.#pauses.push({ from: this.#last, to: at })
      if (this.#pauses.length > remembered) this.#pauses.shift()
    }
    this.#last = at
  }

  /** Whether there was one between two times, in milliseconds since the Unix epoch. */
  between(from: number, to: number): boolean {
    return this.#pauses.some((pause) => pause.from <= to && pause.to >= from)
  }
}
