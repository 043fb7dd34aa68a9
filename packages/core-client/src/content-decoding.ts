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

/** Takes encoded bytes. */
export interface Decoding {
  write(chunk: Uint8Array): void
  end(): void
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
  stream.on('error', (error) => sink.error(error))
  return {
    write: (chunk) => void stream.write(chunk),
    end: () => void stream.end(),
    destroy: () => void stream.destroy(),
  }
}
