import type { Clock } from '@spillway/middleware'
import type { CancelTimer } from '@spillway/middleware/kit'
import type { TransportHandle } from './transport.ts'

/** How long a transport may take to end by itself once the answer is over, in milliseconds. */
const graceTime = 500

/** How many bytes it may still bring: a terminator of another protocol, a last ping. */
const graceBytes = 65_536

/**
 * What is left of a transport when the answer is over: it may end by itself, so that its connection serves the next call.
 * One that goes on instead is aborted; its data is discarded.
 */
export class TransportEnd {
  readonly #handle: TransportHandle | undefined
  readonly #cancelTimer: CancelTimer
  #bytes = 0

  constructor(handle: TransportHandle | undefined, clock: Clock) {
    this.#handle = handle
    this.#cancelTimer = clock.setTimer(graceTime, () => this.#abort())
    // It may be paused since the reader was slow; the rest is discarded.
    handle?.resume()
  }

  data(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes > graceBytes) this.#abort()
  }

  /** It has ended, well or not. */
  ended(): void {
    this.#cancelTimer()
  }

  #abort(): void {
    this.#cancelTimer()
    this.#handle?.abort(new Error('the answer was complete'))
  }
}
