import type { Transform } from 'node:stream'
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib'

/** What decodes a body, by the body's first byte. */
const decoders: Readonly<Record<string, (first: number) => Transform>> = {
  gzip: () => createGunzip(),
  'x-gzip': () => createGunzip(),
  // Some servers leave zlib's header out. Its first byte ends in 8, which that of raw deflate hardly ever does.
  deflate: (first) => ((first & 0x0f) === 8 ? createInflate() : createInflateRaw()),
  br: () => createBrotliDecompress(),
  zstd: () => createZstdDecompress(),
}

/** More are of no use to anyone but those who want to exhaust whoever decodes them. */
const mostEncodings = 3

/** Takes decoded bytes. */
export interface DecodedSink {
  data(chunk: Uint8Array): void
  end(): void
  error(error: unknown): void
}

/** What a body that cannot be decoded fails with. */
export const undecodable = 'ERR_CONTENT_DECODING'

/** Takes encoded bytes. */
export interface Decoding {
  write(chunk: Uint8Array): void
  end(): void
  /** No more decoded bytes until `resume`, but for what is on its way. */
  pause(): void
  resume(): void
  destroy(): void
}

/**
 * Undoes a `content-encoding`, or several of them, the last one first. Requests ask for none, so this serves the odd server or
 * proxy that encodes all the same. Undefined for an encoding that is not known, and for more than three.
 */
export function startDecoding(encoding: string, sink: DecodedSink): Decoding | undefined {
  const names = encoding
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity')
  if (names.length > mostEncodings || !names.every((name) => Object.hasOwn(decoders, name))) return undefined
  const fail = (cause: unknown): void => {
    sink.error(Object.assign(new Error(`the body is no ${encoding}`, { cause }), { code: undecodable }))
  }
  const last = new LastStage(sink)
  const stages: [Stage, ...Stage[]] = [last]
  for (const name of names) stages.unshift(new DecodingStage(name, stages[0], fail))
  const [first] = stages
  return {
    write: (chunk) => void first.write(chunk),
    end: () => first.end(),
    pause: () => last.pause(),
    resume: () => last.resume(),
    destroy: () => {
      for (const stage of stages) stage.destroy()
    },
  }
}

/** What takes bytes, and says when it wants no more for now. */
interface Stage {
  /** Whether more may follow at once; if not, once `drained` has been called. */
  write(chunk: Uint8Array): boolean
  drained: () => void
  end(): void
  destroy(): void
}

/** Undoes one encoding. Its stream is made with the first byte. */
class DecodingStage implements Stage {
  drained: () => void = () => {}
  readonly #name: string
  readonly #next: Stage
  readonly #fail: (cause: unknown) => void
  #stream: Transform | undefined

  constructor(name: string, next: Stage, fail: (cause: unknown) => void) {
    this.#name = name
    this.#next = next
    this.#fail = fail
  }

  write(chunk: Uint8Array): boolean {
    const [first] = chunk
    if (first === undefined) return true
    this.#stream ??= this.#begin(first)
    return this.#stream.write(chunk)
  }

  end(): void {
    if (this.#stream === undefined) this.#next.end()
    else this.#stream.end()
  }

  destroy(): void {
    this.#stream?.destroy()
  }

  #begin(first: number): Transform {
    const stream = (decoders[this.#name] as (first: number) => Transform)(first)
    const next = this.#next
    next.drained = () => stream.resume()
    stream.on('data', (chunk: Uint8Array) => {
      if (!next.write(chunk)) stream.pause()
    })
    stream.on('drain', () => this.drained())
    stream.on('end', () => next.end())
    stream.on('error', this.#fail)
    return stream
  }
}

/** Hands over what has been decoded. */
class LastStage implements Stage {
  drained: () => void = () => {}
  readonly #sink: DecodedSink
  #isPaused = false

  constructor(sink: DecodedSink) {
    this.#sink = sink
  }

  write(chunk: Uint8Array): boolean {
    this.#sink.data(chunk)
    return !this.#isPaused
  }

  end(): void {
    this.#sink.end()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.drained()
  }

  destroy(): void {}
}
