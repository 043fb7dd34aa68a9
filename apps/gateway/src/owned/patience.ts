import type { Clock } from '@spillway/middleware'

/** How long a silent endpoint is waited for: when it is over, the request is given up. */
export class Patience {
  readonly #clock: Clock
  readonly #controller = new AbortController()
  #isOver = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Aborts when the patience is over, or the client leaves. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get isOver(): boolean {
    return this.#isOver
  }

  leave(): void {
    this.#controller.abort()
  }

  /** Waits for something for so many milliseconds. */
  async wait<T>(ms: number, promise: Promise<T>): Promise<T> {
    const cancel = this.#clock.setTimer(ms, () => {
      this.#isOver = true
      this.#controller.abort()
    })
    try {
      return await promise
    } finally {
      cancel()
    }
  }

  /** The pieces of a body, each of which is waited for so long. */
  async *pieces(body: ReadableStream<Uint8Array> | null, ms: number): AsyncGenerator<Uint8Array> {
    if (body === null) return
    const reader = body.getReader()
    try {
      for (;;) {
        const { done, value } = await this.wait(ms, reader.read())
        if (done) return
        yield value
      }
    } finally {
      // Whoever has enough of it cancels the rest.
      void reader.cancel().catch(() => {})
    }
  }
}
