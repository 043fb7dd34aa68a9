import type { LentBytes } from '@spillway/middleware/kit'

/**
 * A body for undici that knows when it has been written, so that its memory can be given back. Of an iterable body undici asks for the
 * next piece when the socket has drained, which it does for a piece that fills the socket's buffer ({@link leastLent}).
 * Nothing else says so: an endpoint may answer, and the call be over, while the system still writes from that memory.
 */
export class LentUpload implements Iterable<Uint8Array> {
  readonly #lent: LentBytes
  readonly #written: () => void
  #hasBegun = false
  #hasFailed = false

  constructor(lent: LentBytes) {
    this.#lent = lent
    this.#written = lent.hold()
  }

  [Symbol.iterator](): Iterator<Uint8Array> {
    if (this.#hasFailed) throw new Error('the request has ended before it was sent')
    // Written once more elsewhere: what happened to the first one is not known.
    if (this.#hasBegun) this.#lent.keep()
    this.#hasBegun = true
    let isGiven = false
    return {
      next: () => {
        if (isGiven) {
          if (!this.#hasFailed) this.#written()
          return { done: true, value: undefined }
        }
        isGiven = true
        return { done: false, value: this.#lent.peek() }
      },
    }
  }

  /** The request has ended before its time. What is being written then is left to the garbage collector. */
  failed(): void {
    this.#hasFailed = true
    if (!this.#hasBegun) this.#written()
  }
}

/** Twice the most that sockets take before they are to be drained, in bytes: 64 KiB by undici and by Node.js, 16 KiB over TLS. */
export const leastLent: number = 128 * 1024
