import { indexIn, occursAt } from './search-bytes.ts'
import { stringBytes } from './string-bytes.ts'

const SPACE = 32
const COLON = 58
const LETTER_D = 100
const LETTER_E = 101

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
  /** Whether one of these occurs in a data line. */
  dataIncludes(needles: readonly Needle[]): boolean
  /**
   * Bytes of UTF-8 in the strings that follow a key in the first data line, such as `"text":`; without decoding them.
   * 0 where there is none.
   */
  textBehind(key: Uint8Array): number
}

/** Bytes that are looked for, other than as the beginning of `except`. */
export interface Needle {
  readonly bytes: Uint8Array
  readonly except?: Uint8Array | undefined
}

/** An event as a scanner fills it, line by line; its fields are offsets into the scanned bytes. */
export class ScannedEvent implements SseEvent {
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

  dataIncludes(needles: readonly Needle[]): boolean {
    if (this.#lineIncludes(this.#dataStart, this.#dataEnd, needles)) return true
    const more = this.#more
    if (more === undefined) return false
    for (let i = 0; i < more.length; i += 2) {
      if (this.#lineIncludes(more[i] as number, more[i + 1] as number, needles)) return true
    }
    return false
  }

  textBehind(key: Uint8Array): number {
    const { bytes } = this
    const end = this.#dataEnd
    let sum = 0
    for (let at = this.#dataStart; at >= 0; ) {
      at = indexIn(bytes, key, at, end)
      if (at < 0) break
      at += key.length
      sum += stringBytes(bytes, at, end)
    }
    return sum
  }

  #lineIncludes(start: number, end: number, needles: readonly Needle[]): boolean {
    const line = this.bytes
    for (const { bytes, except } of needles) {
      let at = indexIn(line, bytes, start, end)
      while (at >= 0 && except !== undefined && occursAt(line, at, except))
        at = indexIn(line, bytes, at + 1, end)
      if (at >= 0) return true
    }
    return false
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

function text(bytes: Uint8Array, start: number, end: number): string {
  return asBuffer(bytes).toString('utf8', start, end)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
