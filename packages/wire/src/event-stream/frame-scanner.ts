import { crc32 } from 'node:zlib'
import { crcBytes, preludeBytes } from './encode-frame.ts'
import { frameHeaders } from './frame-headers.ts'

/** AWS allows 16 MiB of payload and 128 KiB of headers in a frame. */
const longestHeaders = 128 * 1024
const longestFrame = 16 * 1024 * 1024 + longestHeaders + preludeBytes + crcBytes

const nothing = new Uint8Array(0)

/** One frame of an `application/vnd.amazon.eventstream`. */
export interface Frame {
  readonly headers: ReadonlyMap<string, string>
  /** Valid only during the call that hands it over. */
  readonly payload: Uint8Array
  /** Where, in the bytes that this very `push` is going to return, the frame begins and ends. */
  readonly start: number
  readonly end: number
}

/** What is wrong with the bytes from `start` on. */
export interface FrameProblem {
  readonly problem: string
  readonly start: number
}

/**
 * Finds the frames of an `application/vnd.amazon.eventstream` in bytes as they arrive, in any chunking, and checks both of
 * their checksums and their lengths. Nothing is read behind a frame that is damaged.
 */
export class FrameScanner {
  readonly #onFrame: (frame: Frame | FrameProblem) => void
  /** Of a frame that is torn: its pieces are joined once, when it is whole. */
  #pieces: Uint8Array[] = []
  #length = 0
  /** With how many bytes the scanner gets further: a prelude, or the whole frame. */
  #needed = preludeBytes
  #isBroken = false
  #lastHeaders: { readonly bytes: Buffer; readonly headers: Frame['headers'] } | undefined

  constructor(onFrame: (frame: Frame | FrameProblem) => void) {
    this.#onFrame = onFrame
  }

  /**
   * Reads the next chunk. Returns the bytes of all frames completed by it: what is returned over time is what was pushed, less
   * the frame that is still incomplete or damaged.
   */
  push(chunk: Uint8Array): Uint8Array {
    if (this.#isBroken) return nothing
    this.#pieces.push(chunk)
    this.#length += chunk.length
    if (this.#length < this.#needed) return nothing
    const [first] = this.#pieces as [Uint8Array]
    const bytes =
      this.#pieces.length === 1
        ? Buffer.from(first.buffer, first.byteOffset, first.byteLength)
        : Buffer.concat(this.#pieces, this.#length)
    let start = 0
    this.#needed = preludeBytes
    while (!this.#isBroken && start < bytes.length) {
      const length = this.#read(bytes, start)
      if (length === 0) break
      start += length
    }
    const rest = bytes.subarray(start)
    this.#pieces = rest.length === 0 ? [] : [rest]
    this.#length = rest.length
    return bytes.subarray(0, start)
  }

  /** The bytes of a frame that was never completed. */
  rest(): Uint8Array {
    return Buffer.concat(this.#pieces, this.#length)
  }

  /** The length of the frame that begins here; 0 where it is not whole, or is damaged. */
  #read(bytes: Buffer, start: number): number {
    const frame = bytes.subarray(start)
    if (frame.length < preludeBytes) return 0
    const length = frame.readUInt32BE(0)
    const headersLength = frame.readUInt32BE(4)
    if (crc32(frame.subarray(0, 8)) !== frame.readUInt32BE(8))
      return this.#break(start, 'the prelude of a frame does not match its checksum')
    const isPossible =
      length <= longestFrame &&
      headersLength <= longestHeaders &&
      length >= preludeBytes + headersLength + crcBytes
    if (!isPossible) return this.#break(start, 'a frame has an impossible length')
    if (frame.length < length) {
      this.#needed = length
      return 0
    }
    const end = length - crcBytes
    if (crc32(frame.subarray(0, end)) !== frame.readUInt32BE(end))
      return this.#break(start, 'a frame does not match its checksum')
    const headers = this.#headersOf(frame.subarray(preludeBytes, preludeBytes + headersLength))
    if (headers === undefined) return this.#break(start, 'the headers of a frame make no sense')
    const payload = frame.subarray(preludeBytes + headersLength, end)
    this.#onFrame({ headers, payload, start, end: start + length })
    return length
  }

  /** Nearly all frames of a stream have the same. */
  #headersOf(bytes: Buffer): Frame['headers'] | undefined {
    if (this.#lastHeaders?.bytes.equals(bytes)) return this.#lastHeaders.headers
    const headers = frameHeaders(bytes)
    // A copy: what it lies in would be held as long as the stream lasts.
    if (headers !== undefined) this.#lastHeaders = { bytes: Buffer.from(bytes), headers }
    return headers
  }

  #break(start: number, problem: string): 0 {
    this.#isBroken = true
    this.#onFrame({ problem, start })
    return 0
  }
}
