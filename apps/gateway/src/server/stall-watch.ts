import type { CancelTimer, Clock } from '@spillway/middleware'

/** Something that must get on. */
export interface Watched {
  /** A number that changes when it does; undefined while it has nothing to do. */
  progress(): number | undefined
  /** It has not got on for the time of the watch. Called once. */
  stalled(): void
}

interface Entry {
  seen: number | undefined
  since: number
}

/** How often in its time each is looked at. */
const looks = 4

/** Finds what has stopped, with one timer for all: after the watch's time, and at most a quarter of it later. */
export class StallWatch {
  #time: number
  readonly #clock: Clock
  readonly #entries = new Map<Watched, Entry>()
  #cancel: CancelTimer | undefined
  #stalled = 0

  /** @param time milliseconds; Infinity watches nothing */
  constructor(time: number, clock: Clock) {
    this.#time = time
    this.#clock = clock
  }

  /** How many have stalled so far. */
  get stalled(): number {
    return this.#stalled
  }

  /** Goes on with another time, which holds for all that are watched already. */
  use(time: number): void {
    if (time === this.#time) return
    this.#time = time
    this.#rest()
    this.#lookLater()
  }

  /** Begins to watch. Harmless when repeated. */
  add(watched: Watched): void {
    if (this.#entries.has(watched)) return
    this.#entries.set(watched, { seen: watched.progress(), since: this.#clock.now() })
    this.#lookLater()
  }

  delete(watched: Watched): void {
    this.#entries.delete(watched)
    if (this.#entries.size === 0) this.#rest()
  }

  #lookLater(): void {
    if (this.#time === Infinity || this.#entries.size === 0) return
    this.#cancel ??= this.#clock.setTimer(this.#time / looks, () => this.#look())
  }

  #rest(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #look(): void {
    this.#cancel = undefined
    const now = this.#clock.now()
    for (const [watched, entry] of this.#entries) {
      const seen = watched.progress()
      if (seen === undefined || seen !== entry.seen) {
        entry.seen = seen
        entry.since = now
      } else if (now - entry.since >= this.#time) {
        this.#entries.delete(watched)
        this.#stalled++
        watched.stalled()
      }
    }
    this.#lookLater()
  }
}
