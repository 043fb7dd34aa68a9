import { ScannedEvent, type SseEvent } from './sse-event.ts'

const LF = 10
const CR = 13

/** A torn event may not grow beyond this; no vendor sends events anywhere near it. */
const longestEvent = 32 * 1024 * 1024

const nothing = new Uint8Array(0)

/**
 * Finds the events of a `text/event-stream` in bytes as they arrive, in any chunking, without decoding or
 * copying what is not asked for; only an event that is torn between chunks is joined.
 *
 * Follows the WHATWG HTML standard, section 9.2.6: LF, CR and CRLF end a line, a leading byte order mark and
 * comments are ignored, events without data are not dispatched, and what follows the last blank line is not
 * an event.
 */
export class SseScanner {
  readonly #onEvent: (event: SseEvent) => void
  readonly #event = new ScannedEvent()
  #carry: Buffer = Buffer.alloc(0)
  #carried = 0
  /** Where in the carried bytes the first unread line begins. */
  #lineStart = 0
  #started = false
  #skipLineFeed = false

  constructor(onEvent: (event: SseEvent) => void) {
    this.#onEvent = onEvent
  }

  /**
   * Reads the next chunk. Returns the bytes of all events completed by it, comments in between included, for
   * passing on: what is returned over time is what was pushed, less the event that is still incomplete.
   * @throws RangeError when a single event exceeds 32 MiB
   */
  push(chunk: Uint8Array): Uint8Array {
    let bytes = chunk
    let lineStart = 0
    let searched = 0
    if (this.#carried > 0) {
      searched = this.#carried
      this.#append(chunk)
      bytes = this.#carry.subarray(0, this.#carried)
      lineStart = this.#lineStart
    }
    if (!this.#started) {
      lineStart = this.#skipByteOrderMark(bytes)
      if (lineStart < 0) return this.#keep(bytes, 0, 0)
      searched = lineStart
    }
    return this.#scan(bytes, lineStart, searched)
  }

  /** The bytes of an event that was never completed, for a stream that has ended. */
  rest(): Uint8Array {
    return this.#carry.subarray(0, this.#carried)
  }

  /** Reads the lines from `from` on; no line ends before `searched`, so that a long line is searched once. */
  #scan(bytes: Uint8Array, from: number, searched: number): Uint8Array {
    const event = this.#event
    event.bytes = bytes
    let lineStart = from
    let complete = 0
    if (this.#skipLineFeed && lineStart < bytes.length) {
      this.#skipLineFeed = false
      if (bytes[lineStart] === LF) {
        lineStart++
        if (this.#carried === 0) complete = lineStart
      }
    }
    let searchFrom = Math.max(lineStart, searched)
    const hasCarriageReturns = bytes.indexOf(CR, searchFrom) >= 0
    while (searchFrom < bytes.length) {
      const lineEnd = hasCarriageReturns ? nextLineEnd(bytes, searchFrom) : bytes.indexOf(LF, searchFrom)
      if (lineEnd < 0) break
      let next = lineEnd + 1
      if (bytes[lineEnd] === CR) {
        if (bytes[next] === LF) next++
        else if (next === bytes.length) this.#skipLineFeed = true
      }
      if (lineEnd > lineStart) event.readLine(lineStart, lineEnd)
      else {
        if (event.hasData) {
          event.start = complete
          event.end = next
          this.#onEvent(event)
        }
        event.reset()
        complete = next
      }
      lineStart = next
      searchFrom = next
    }
    return this.#keep(bytes, complete, lineStart)
  }

  /** Keeps what is incomplete and returns what is not. */
  #keep(bytes: Uint8Array, complete: number, lineStart: number): Uint8Array {
    const left = bytes.length - complete
    if (left === 0) {
      this.#carried = 0
      return bytes
    }
    if (complete === 0 && this.#carried > 0) {
      this.#lineStart = lineStart
      return nothing
    }
    const carry = Buffer.allocUnsafe(Math.max(1024, left * 2))
    carry.set(complete === 0 ? bytes : bytes.subarray(complete), 0)
    this.#carry = carry
    this.#carried = left
    this.#lineStart = lineStart - complete
    this.#event.shift(complete)
    return complete === 0 ? nothing : bytes.subarray(0, complete)
  }

  #append(chunk: Uint8Array): void {
    const length = this.#carried + chunk.length
    if (length > longestEvent) throw new RangeError('a single server-sent event exceeds 32 MiB')
    if (length > this.#carry.length) {
      const larger = Buffer.allocUnsafe(length * 2)
      larger.set(this.#carry.subarray(0, this.#carried))
      this.#carry = larger
    }
    this.#carry.set(chunk, this.#carried)
    this.#carried = length
  }

  /** Where the text begins, or -1 while that cannot be told yet. */
  #skipByteOrderMark(bytes: Uint8Array): number {
    if (bytes[0] !== 0xef) {
      if (bytes.length > 0) this.#started = true
      return bytes.length > 0 ? 0 : -1
    }
    if (bytes.length < 3) return -1
    this.#started = true
    return bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  }
}

function nextLineEnd(bytes: Uint8Array, from: number): number {
  for (let i = from; i < bytes.length; i++) {
    if (bytes[i] === LF || bytes[i] === CR) return i
  }
  return -1
}
