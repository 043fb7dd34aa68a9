import type { IncomingMessage } from 'node:http'
import type { Transform } from 'node:stream'
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
  constants as zlib,
} from 'node:zlib'

/** HTTP allows windows of 8 MiB (RFC 9659); zstd by itself would take 128 MiB. */
const zstdWindow = 23

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: () => createZstdDecompress({ params: { [zlib.ZSTD_d_windowLogMax]: zstdWindow } }),
}

/** What `accept-encoding` says beside a refusal (RFC 9110, section 15.5.16). */
export const acceptedEncodings: string = 'gzip, deflate, br, zstd'

/** What a decoder keeps for itself, roughly, in bytes: its state, the window of gzip, and a piece on either side. */
export const decoderBytes: number = 64 * 1024

/** How the body of a request is encoded. */
export interface BodyEncoding {
  /** As the client names it. */
  readonly name: string
  /** Undefined for an encoding that is not known. */
  readonly decoder: Transform | undefined
}

/** The encoding of a request's body; undefined where it has none. */
export function bodyEncoding({ headers }: IncomingMessage): BodyEncoding | undefined {
  const name = (headers['content-encoding'] ?? '').trim()
  const known = name.toLowerCase()
  if (known === '' || known === 'identity') return undefined
  return { name, decoder: Object.hasOwn(decoders, known) ? decoders[known]?.() : undefined }
}
