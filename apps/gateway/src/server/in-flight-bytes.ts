import type { Clock } from '@spillway/middleware'
import { LinkedList, type ListPlace } from '@spillway/middleware/kit'

/** Bytes that are counted for one request. */
export interface Reservation {
  /** So many bytes of it have arrived; false where there is no capacity for them. */
  arrived(bytes: number): boolean
  /** No more will arrive. */
  complete(): void
  /** They are not held any more. Harmless when repeated. */
  release(): void
}

/** How long a request may take to begin to send what it has announced, in milliseconds. */
const grace = 1_000
/** What it must send from then on for its announcement to hold, in bytes a millisecond. */
const slowest = 100

/**
 * Counts the bytes of requests that are held at a time, announced ones too, so that a request that cannot be held is
 * refused before it is sent. An announcement that is not followed by bytes is not held against others.
 */
export class InFlightBytes {
  /** Bytes at a time. Where it is lowered, what is held already stays, and nothing is added until it fits. */
  max: number
  #used = 0
  #refused = 0
  readonly #clock: Clock
  readonly #arriving = new LinkedList<CountedRequest>()

  constructor(max: number, clock: Clock) {
    this.max = max
    this.#clock = clock
  }

  /** Bytes that are counted now. */
  get used(): number {
    return this.#used
  }

  /** How often there was no capacity. */
  get refused(): number {
    return this.#refused
  }

  /** Counts a request that announces so many bytes, or 0 where it does not say; undefined where they do not fit. */
  reserve(announced: number): Reservation | undefined {
    if (!this.#fits(announced)) return undefined
    this.#used += announced
    const request = new CountedRequest(announced, this.#clock.now(), {
      grow: (bytes) => {
        if (!this.#fits(bytes)) return false
        this.#used += bytes
        return true
      },
      shrink: (bytes) => {
        this.#used -= bytes
      },
      settled: (place) => this.#arriving.delete(place),
    })
    request.place = this.#arriving.add(request)
    return request
  }

  #fits(bytes: number): boolean {
    if (this.#used + bytes <= this.max) return true
    const now = this.#clock.now()
    for (const request of this.#arriving) request.shrinkIfSlow(now)
    if (this.#used + bytes <= this.max) return true
    this.#refused++
    return false
  }
}

interface Books {
  grow(bytes: number): boolean
  shrink(bytes: number): void
  settled(place: ListPlace<CountedRequest>): void
}

class CountedRequest implements Reservation {
  /** Among those that arrive. */
  place: ListPlace<CountedRequest> | undefined
  #counted: number
  #arrived = 0
  readonly #since: number
  readonly #books: Books

  constructor(announced: number, since: number, books: Books) {
    this.#counted = announced
    this.#since = since
    this.#books = books
  }

  arrived(bytes: number): boolean {
    this.#arrived += bytes
    const more = this.#arrived - this.#counted
    if (more <= 0) return true
    if (!this.#books.grow(more)) return false
    this.#counted += more
    return true
  }

  complete(): void {
    this.#settle()
    this.#shrinkTo(this.#arrived)
  }

  release(): void {
    this.#settle()
    this.#shrinkTo(0)
  }

  #settle(): void {
    if (this.place !== undefined) this.#books.settled(this.place)
  }

  shrinkIfSlow(now: number): void {
    if (this.#arrived < (now - this.#since - grace) * slowest) this.#shrinkTo(this.#arrived)
  }

  #shrinkTo(bytes: number): void {
    if (bytes >= this.#counted) return
    this.#books.shrink(this.#counted - bytes)
    this.#counted = bytes
  }
}
