import type { Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib'

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
}

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
 * Undoes a `content-encoding`. Requests ask for none, so this serves the odd server that encodes all the same.
 * Undefined for an encoding that is not known.
 */
export function startDecoding(encoding: string, sink: DecodedSink): Decoding | undefined {
  const create = decoders[encoding.trim().toLowerCase()]
  if (create === undefined) return undefined
  const stream = create()
  stream.on('data', (chunk: Uint8Array) => sink.data(chunk))
  stream.on('end', () => sink.end())
  stream.on('error', (cause) => {
    sink.error(Object.assign(new Error(`the body is no ${encoding}`, { cause }), { code: undecodable }))
  })
  return {
    write: (chunk) => void stream.write(chunk),
    end: () => void stream.end(),
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    destroy: () => void stream.destroy(),
  }
}
