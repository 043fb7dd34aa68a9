import type { Clock } from '@spillway/middleware'
import { type CancelTimer, LinkedList, type ListPlace } from '@spillway/middleware/kit'

/** Something that must get on. */
export interface Watched {
  /** A number that changes when it does; undefined while it has nothing to do. */
  progress(): number | undefined
  /** It has not got on for the time of the watch. Called once. */
  stalled(): void
}

/** A watch that can be stopped. */
export type WatchPlace = ListPlace<Entry>

interface Entry {
  readonly watched: Watched
  seen: number | undefined
  since: number
  place: WatchPlace | undefined
}

/** How often in its time each is looked at. */
const looks = 4

/** Finds what has stopped, with one timer for all: after the watch's time, and at most a quarter of it later. */
export class StallWatch {
  #time: number
  readonly #clock: Clock
  readonly #entries = new LinkedList<Entry>()
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

  /** Begins to watch. */
  add(watched: Watched): WatchPlace {
    const entry: Entry = { watched, seen: watched.progress(), since: this.#clock.now(), place: undefined }
    const place = this.#entries.add(entry)
    entry.place = place
    this.#lookLater()
    return place
  }

  /** Stops the watch. The shared timer ends by itself. Harmless when repeated. */
  delete(place: WatchPlace): void {
    this.#entries.delete(place)
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
    for (const entry of this.#entries) {
      const { watched, place } = entry
      const seen = watched.progress()
      if (seen === undefined || seen !== entry.seen) {
        entry.seen = seen
        entry.since = now
      } else if (now - entry.since >= this.#time) {
        if (place !== undefined) this.#entries.delete(place)
        this.#stalled++
        watched.stalled()
      }
    }
    this.#lookLater()
  }
}
