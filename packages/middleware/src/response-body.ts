/** Takes a body as it arrives; see {@link ResponseBody.pipe}. */
export interface BodySink {
  /** Returns false to ask for a pause, which ends with {@link ResponseBody.resume}. */
  write(chunk: Uint8Array): boolean
  /** The body is complete. Nothing follows. */
  end(): void
  /** The body broke off. Nothing follows. */
  fail(error: unknown): void
}

/**
 * A body for one reader, who either iterates or pipes. Iterating costs a promise a chunk; piping costs nothing.
 */
export interface ResponseBody extends AsyncIterable<Uint8Array> {
  /**
   * Pushes the body into a sink.
   * @throws TypeError when the body has a reader already
   */
  pipe(sink: BodySink): void
  /** The sink that asked for a pause can take more. */
  resume(): void
  /** Stops the body and the upstream behind it. Harmless when it has ended. */
  cancel(reason?: unknown): void
}

/** The source behind a {@link BodyChannel}; each is called at most when it would change something. */
export interface BodySource {
  pause(): void
  resume(): void
  cancel(reason: unknown): void
}

/** How many bytes wait for a slow reader before the source is paused. */
const highWaterMark = 256 * 1024

/** What a waiting chunk takes besides its bytes, roughly: many small ones are much, too. */
const chunkOverhead = 128

type State = 'open' | 'ended' | 'failed' | 'cancelled'

/** The producing end of a {@link ResponseBody}: what is pushed here comes out there, in order. */
export class BodyChannel implements ResponseBody {
  /** Bytes pushed and not yet read. */
  buffered = 0
  /** How many chunks were read; a reader that is alive makes it grow. */
  reads = 0
  /** Whether the reader is behind, so that the source is paused. */
  paused = false

  readonly #source: BodySource | undefined
  readonly #queue: Uint8Array[] = []
  #state: State = 'open'
  #error: unknown
  #sink: BodySink | undefined
  #sinkBlocked = false
  #waiting: PromiseWithResolvers<IteratorResult<Uint8Array, undefined>> | undefined
  #taken = false

  constructor(source?: BodySource) {
    this.#source = source
  }

  /** Adds a chunk, which must not be written to afterwards. Ignored after the end. */
  push(chunk: Uint8Array): void {
    if (this.#state !== 'open' || chunk.length === 0) return
    if (this.#sink !== undefined && !this.#sinkBlocked && this.#queue.length === 0) {
      this.reads++
      if (!this.#sink.write(chunk)) this.#block()
      return
    }
    if (this.#waiting !== undefined) {
      const { resolve } = this.#waiting
      this.#waiting = undefined
      this.reads++
      resolve({ done: false, value: chunk })
      return
    }
    this.#queue.push(chunk)
    this.buffered += chunk.length
    if (this.buffered + this.#queue.length * chunkOverhead > highWaterMark) this.#pause()
  }

  /** Completes the body. */
  end(): void {
    this.#finish('ended', undefined)
  }

  /** Breaks the body off; the reader sees `error` after what was pushed before. */
  fail(error: unknown): void {
    this.#finish('failed', error)
  }

  pipe(sink: BodySink): void {
    this.#take()
    if (this.#state === 'cancelled') return sink.fail(this.#error)
    this.#sink = sink
    this.#flush()
  }

  resume(): void {
    if (!this.#sinkBlocked) return
    this.#sinkBlocked = false
    this.#flush()
  }

  cancel(reason?: unknown): void {
    if (this.#state === 'cancelled') return
    const wasOpen = this.#state === 'open'
    this.#state = 'cancelled'
    this.#error = reason ?? new Error('the body was cancelled')
    this.#queue.length = 0
    this.buffered = 0
    this.#sink = undefined
    this.#settleWaiting()
    if (wasOpen) this.#source?.cancel(reason)
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    this.#take()
    return {
      next: () => this.#next(),
      return: () => {
        this.cancel()
        return Promise.resolve({ done: true, value: undefined })
      },
    }
  }

  #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const chunk = this.#queue.shift()
    if (chunk !== undefined) {
      this.buffered -= chunk.length
      this.reads++
      if (this.buffered === 0) this.#unpause()
      return Promise.resolve({ done: false, value: chunk })
    }
    if (this.#state === 'failed') {
      this.#state = 'cancelled'
      return Promise.reject(this.#error)
    }
    if (this.#state !== 'open') return Promise.resolve({ done: true, value: undefined })
    if (this.#waiting !== undefined) {
      const inTurn = (): Promise<IteratorResult<Uint8Array, undefined>> => this.#next()
      return this.#waiting.promise.then(inTurn, inTurn)
    }
    this.#waiting = Promise.withResolvers()
    return this.#waiting.promise
  }

  #flush(): void {
    while (this.#sink !== undefined && !this.#sinkBlocked) {
      const chunk = this.#queue.shift()
      if (chunk === undefined) break
      this.buffered -= chunk.length
      this.reads++
      if (!this.#sink.write(chunk)) this.#block()
    }
    if (this.#queue.length > 0 || this.#sink === undefined) return
    const sink = this.#sink
    if (this.#state === 'ended') {
      this.#sink = undefined
      sink.end()
    } else if (this.#state === 'failed') {
      this.#sink = undefined
      sink.fail(this.#error)
    } else if (!this.#sinkBlocked) this.#unpause()
  }

  #finish(state: 'ended' | 'failed', error: unknown): void {
    if (this.#state !== 'open') return
    this.#state = state
    this.#error = error
    if (this.#sink !== undefined) this.#flush()
    else this.#settleWaiting()
  }

  #settleWaiting(): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    this.#waiting = undefined
    if (this.#state === 'failed') {
      this.#state = 'cancelled'
      waiting.reject(this.#error)
    } else waiting.resolve({ done: true, value: undefined })
  }

  #take(): void {
    if (this.#taken) throw new TypeError('this body has a reader already')
    this.#taken = true
    if (this.#state !== 'cancelled') return
    this.#state = 'failed'
    this.#error = new Error('this body was cancelled before it was read')
  }

  #block(): void {
    this.#sinkBlocked = true
    this.#pause()
  }

  #pause(): void {
    if (this.paused || this.#state !== 'open') return
    this.paused = true
    this.#source?.pause()
  }

  #unpause(): void {
    if (!this.paused) return
    this.paused = false
    if (this.#state === 'open') this.#source?.resume()
  }
}

/** A body that is complete already. */
export function bodyOf(bytes: Uint8Array): ResponseBody {
  const channel = new BodyChannel()
  channel.push(bytes)
  channel.end()
  return channel
}

/**
 * Reads a body whole.
 * @throws whatever the body fails with
 */
export function readBody(body: ResponseBody): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    body.pipe({
      write(chunk) {
        chunks.push(chunk)
        return true
      },
      end: () => resolve(concatBytes(chunks)),
      fail: reject,
    })
  })
}

/** Joins chunks; a single one is returned as it is. */
export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array {
  const first = chunks[0]
  if (first !== undefined && chunks.length === 1) return first
  return Buffer.concat(chunks)
}
