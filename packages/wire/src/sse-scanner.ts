const LF = 10
const CR = 13
const SPACE = 32
const COLON = 58
const LETTER_D = 100
const LETTER_E = 101

/** A torn event may not grow beyond this; no vendor sends events anywhere near it. */
const longestEvent = 32 * 1024 * 1024

const nothing = new Uint8Array(0)

/**
 * One server-sent event. The scanner reuses the object: it is valid only during the call that hands it over.
 */
export interface SseEvent {
  /** The `event:` field; empty when there is none. */
  readonly name: string
  /** The `data:` lines, joined by line feeds. */
  readonly data: string
  /** Where, in the bytes that this very `push` is going to return, the event begins. */
  readonly start: number
  /** Where the event ends in these bytes, behind its blank line. */
  readonly end: number
  /** Length of the name in bytes, without decoding it. */
  readonly nameLength: number
  /** Length of the first data line in bytes, without decoding it. */
  readonly dataLength: number
  /** A byte of the name, or -1. */
  nameByte(index: number): number
  /** Whether the bytes of `needle` occur in a data line, other than as the beginning of `except`. */
  dataIncludes(needle: Uint8Array, except?: Uint8Array): boolean
}

/**
 * Finds the events of a `text/event-stream` in bytes as they arrive, in any chunking, without decoding or
 * copying what nobody asks for; only an event that is torn between chunks is joined.
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

class ScannedEvent implements SseEvent {
  bytes: Uint8Array = nothing
  start = 0
  end = 0
  #nameStart = 0
  #nameEnd = 0
  /** Start and end of each data line; the first pair is `#dataStart` and `#dataEnd`. */
  #dataStart = -1
  #dataEnd = -1
  #more: number[] | undefined

  get hasData(): boolean {
    return this.#dataStart >= 0
  }

  get nameLength(): number {
    return this.#nameEnd - this.#nameStart
  }

  get dataLength(): number {
    return this.#dataEnd - this.#dataStart
  }

  get name(): string {
    return text(this.bytes, this.#nameStart, this.#nameEnd)
  }

  get data(): string {
    let data = text(this.bytes, this.#dataStart, this.#dataEnd)
    const more = this.#more
    if (more === undefined) return data
    for (let i = 0; i < more.length; i += 2) {
      data += `\n${text(this.bytes, more[i] as number, more[i + 1] as number)}`
    }
    return data
  }

  nameByte(index: number): number {
    return index < this.nameLength ? (this.bytes[this.#nameStart + index] as number) : -1
  }

  dataIncludes(needle: Uint8Array, except?: Uint8Array): boolean {
    if (this.#lineIncludes(this.#dataStart, this.#dataEnd, needle, except)) return true
    const more = this.#more
    if (more === undefined) return false
    for (let i = 0; i < more.length; i += 2) {
      if (this.#lineIncludes(more[i] as number, more[i + 1] as number, needle, except)) return true
    }
    return false
  }

  #lineIncludes(start: number, end: number, needle: Uint8Array, except: Uint8Array | undefined): boolean {
    const line = asBuffer(this.bytes).subarray(start, end)
    let at = line.indexOf(needle)
    while (at >= 0 && except !== undefined && occursAt(line, at, except)) at = line.indexOf(needle, at + 1)
    return at >= 0
  }

  reset(): void {
    this.#nameStart = 0
    this.#nameEnd = 0
    this.#dataStart = -1
    this.#dataEnd = -1
    this.#more = undefined
  }

  /** The bytes have moved towards the front. */
  shift(by: number): void {
    if (by === 0) return
    this.#nameStart -= by
    this.#nameEnd -= by
    if (this.#dataStart >= 0) {
      this.#dataStart -= by
      this.#dataEnd -= by
    }
    this.#more = this.#more?.map((offset) => offset - by)
  }

  readLine(start: number, end: number): void {
    const bytes = this.bytes
    const first = bytes[start]
    if (first === LETTER_D) {
      const from = fieldValue(bytes, start, end, 'data')
      if (from < 0) return
      if (this.#dataStart < 0) {
        this.#dataStart = from
        this.#dataEnd = end
      } else {
        this.#more ??= []
        this.#more.push(from, end)
      }
    } else if (first === LETTER_E) {
      const from = fieldValue(bytes, start, end, 'event')
      if (from < 0) return
      this.#nameStart = from
      this.#nameEnd = end
    }
  }
}

/** Where the value of a line begins if its field is `name`, else -1. A line without a colon has no value. */
function fieldValue(bytes: Uint8Array, start: number, end: number, name: string): number {
  const colon = start + name.length
  if (colon > end) return -1
  for (let i = 0; i < name.length; i++) {
    if (bytes[start + i] !== name.charCodeAt(i)) return -1
  }
  if (colon === end) return end
  if (bytes[colon] !== COLON) return -1
  return bytes[colon + 1] === SPACE && colon + 1 < end ? colon + 2 : colon + 1
}

function occursAt(bytes: Uint8Array, at: number, needle: Uint8Array): boolean {
  for (let i = 0; i < needle.length; i++) {
    if (bytes[at + i] !== needle[i]) return false
  }
  return true
}

function text(bytes: Uint8Array, start: number, end: number): string {
  return asBuffer(bytes).toString('utf8', start, end)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
