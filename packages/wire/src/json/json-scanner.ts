import { bytesOf } from './bytes-of.ts'
import { Escapes, hexValue, isEscape } from './escapes.ts'
import { isSpecial, plainTextEnd } from './plain-text.ts'
import { Shapes } from './shapes.ts'
import { leastSkipped, mostLoaded, type StringSkip, stringSkip } from './string-skip.ts'
import { escapedToken, hashByte, hashStart, longestToken, longToken, shortToken } from './token-code.ts'

/** How much JSON is read before the rest is refused. */
export interface JsonLimits {
  /** Arrays and objects inside one another. */
  readonly depth: number
  /** Values of any kind, arrays and objects included. */
  readonly values: number
  /** Different shapes of objects: each new name counts, and each new order of names. */
  readonly shapes: number
  /** Characters of texts and names that are written as escapes. */
  readonly escapes: number
  /** Those that are half a character (a surrogate) without the other half. */
  readonly loneHalves: number
}

/** Why a text is refused. */
export interface JsonProblem {
  readonly reason: 'syntax' | keyof JsonLimits
  /** Where, in bytes from the start of the text. */
  readonly at: number
}

/** Hears of the values near the top of a text, in order; deeper ones are only checked. */
export interface JsonListener {
  /** The contents of containers deeper than this are only sighted; 1 is the outermost. */
  readonly depth: number
  /** The code of a name whose strings are sighted wherever they are. */
  readonly sighted?: number
  /** A name in the object at `depth`, quotes included. For `code` see `tokenCode`. */
  name(depth: number, start: number, end: number, code: number): void
  /** A value begins in the container at `depth`, 0 for the whole text; `first` is its first byte. */
  begin(depth: number, start: number, first: number): void
  /**
   * It ends before `end`. `code` is 0 for what is not a string. `saved` is by how many bytes a string in UTF-8 is shorter than it is
   * written between its quotes, or -1 where halves of characters make that unclear.
   */
  end(depth: number, end: number, code: number, saved: number): void
  /** A name in an object that is deeper than `depth`. */
  deepName?(code: number): void
  /** A string with the name that is `sighted`, at any depth. */
  sight?(start: number, end: number, code: number): void
}

// Between two tokens.
const VALUE = 0
const FIRST_VALUE = 1
const NAME = 2
const FIRST_NAME = 3
const COLON = 4
const AFTER_VALUE = 5
// Inside of one.
const STRING = 6
const ESCAPE = 7
const HEX = 8
const WORD = 9
const MINUS = 10
const ZERO = 11
const INTEGER = 12
const POINT = 13
const FRACTION = 14
const EXPONENT = 15
const EXPONENT_SIGN = 16
const EXPONENT_DIGITS = 17

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const [openArray, closeArray, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d]

/** A piece of fewer bytes is not worth being copied to where strings are read by the block. */
const worthLoading = 2 * 1024

const isWhiteSpace = bytesOf(' \n\r\t')
const byteOrderMark = '\xef\xbb\xbf'
const literals = new Map(['true', 'false', 'null'].map((word) => [word.charCodeAt(0), word]))

/**
 * Checks that bytes are one JSON text, in whatever pieces they come, without making anything of it: neither strings nor
 * a tree. It takes what `JSON.parse` takes, and a byte order mark before it, but for the limits and for UTF-8, which it
 * does not look at. Each byte is read once, and none is kept.
 */
export class JsonScanner {
  /** Undefined as long as all is well. What is written afterwards is not looked at. */
  problem: JsonProblem | undefined

  readonly #limits: JsonLimits
  readonly #listener: JsonListener
  readonly #shapes: Shapes
  readonly #escapes = new Escapes()
  /** For each depth, 1 where the container is an object. */
  readonly #isObject: number[] = [0]
  #depth = 0
  #state = VALUE
  #values = 0
  /** Bytes of earlier pieces. */
  #base = 0

  // Of the string or word that a piece may end in.
  #isName = false
  #start = 0
  #hash = 0
  #isEscaped = false
  /** Whether its code is asked for. */
  #isTold = false
  #isSighted = false
  /** Of the name before. */
  #nameCode = 0
  #savedBefore = 0
  #halvesBefore = 0
  #word = ''
  /** Characters of the word so far, or digits of an escape. */
  #matched = 0
  #escapeStart = 0
  #unit = 0
  /** Undefined where strings are read without it. */
  #skip: StringSkip | undefined

  constructor(limits: JsonLimits, listener: JsonListener) {
    this.#limits = limits
    this.#listener = listener
    this.#shapes = new Shapes(limits.shapes)
  }

  /** How many values have begun, of any kind. */
  get values(): number {
    return this.#values
  }

  /** Reads the next piece. */
  write(bytes: Uint8Array): void {
    if (bytes.length < worthLoading) return this.#readPiece(bytes)
    const skip = stringSkip()
    for (let at = 0; at < bytes.length; at += mostLoaded) {
      const part = bytes.length <= mostLoaded ? bytes : bytes.subarray(at, at + mostLoaded)
      skip?.load(part)
      this.#skip = skip
      this.#readPiece(part)
      this.#skip = undefined
    }
  }

  #readPiece(bytes: Uint8Array): void {
    if (this.problem !== undefined) return
    const at = this.#read(bytes)
    if (at < bytes.length) this.#refuse('syntax', at)
    this.#base += bytes.length
  }

  /** There is no more to come. */
  end(): void {
    if (this.problem !== undefined) return
    if (this.#depth === 0 && isWholeNumber(this.#state)) this.#listener.end(0, this.#base, 0, 0)
    else if (this.#depth > 0 || this.#state !== AFTER_VALUE) this.#refuse('syntax', 0)
  }

  /** Reads up to the end, or up to the byte that is not taken. One long function, since locals are twice as fast as fields. */
  #read(bytes: Uint8Array): number {
    const { length } = bytes
    const view = new DataView(bytes.buffer, bytes.byteOffset, length)
    const base = this.#base
    const isObject = this.#isObject
    const listener = this.#listener
    const { depth: listens, sighted = -1 } = listener
    let state = this.#state
    let depth = this.#depth
    let at = 0
    while (at < length) {
      const byte = bytes[at] as number
      if (state < STRING && isWhiteSpace[byte] === 1) {
        at++
        continue
      }
      switch (state) {
        case STRING: {
          at = this.#inString(bytes, view, at)
          if (this.#escapes.count > this.#limits.escapes) return this.#refuse('escapes', at)
          if (this.#escapes.loneHalves > this.#limits.loneHalves) return this.#refuse('loneHalves', at)
          if (at === length) break
          const special = bytes[at]
          if (special === BACKSLASH) {
            this.#escapeStart = base + at
            state = ESCAPE
          } else if (special !== QUOTE) return at
          else if (this.#isName) {
            if (!this.#shapes.add(depth, this.#hash)) return this.#refuse('shapes', at)
            const code = this.#codeUpTo(base + at)
            this.#nameCode = code
            if (depth <= listens) listener.name(depth, this.#start, base + at + 1, code)
            else listener.deepName?.(code)
            state = COLON
          } else {
            if (this.#isTold) {
              const code = this.#codeUpTo(base + at)
              if (this.#isSighted) listener.sight?.(this.#start, base + at + 1, code)
              if (depth <= listens) listener.end(depth, base + at + 1, code, this.#saved())
            }
            state = AFTER_VALUE
          }
          at++
          break
        }
        case AFTER_VALUE:
          if (depth === 0) return at
          if (byte === COMMA) state = isObject[depth] === 1 ? NAME : VALUE
          else if (byte !== (isObject[depth] === 1 ? closeObject : closeArray)) return at
          else if (--depth <= listens) listener.end(depth, base + at + 1, 0, 0)
          at++
          break
        case FIRST_NAME:
        case NAME:
          if (byte === QUOTE) {
            this.#beginString(base + at, true, true)
            state = STRING
          } else if (byte === closeObject && state === FIRST_NAME) {
            if (--depth <= listens) listener.end(depth, base + at + 1, 0, 0)
            state = AFTER_VALUE
          } else return at
          at++
          break
        case COLON:
          if (byte !== 0x3a) return at
          state = VALUE
          at++
          break
        case FIRST_VALUE:
        case VALUE:
          if (byte === closeArray && state === FIRST_VALUE) {
            if (--depth <= listens) listener.end(depth, base + at + 1, 0, 0)
            state = AFTER_VALUE
          } else if (byte === 0xef && base + at === 0) state = this.#beginWord(byteOrderMark)
          else {
            if (++this.#values > this.#limits.values) return this.#refuse('values', at)
            if (depth <= listens) listener.begin(depth, base + at, byte)
            const name = this.#nameCode
            this.#nameCode = 0
            if (byte === QUOTE) {
              this.#isSighted = name === sighted
              this.#beginString(base + at, false, this.#isSighted || depth <= listens)
              state = STRING
            } else if (byte === openObject || byte === openArray) {
              if (depth === this.#limits.depth) return this.#refuse('depth', at)
              isObject[++depth] = byte === openObject ? 1 : 0
              this.#shapes.begin(depth)
              state = byte === openObject ? FIRST_NAME : FIRST_VALUE
            } else {
              state =
                byte === 0x2d
                  ? MINUS
                  : isDigit(byte)
                    ? nextOfNumber(MINUS, byte)
                    : this.#beginWord(literals.get(byte))
              if (state < 0) return at
            }
          }
          at++
          break
        case ESCAPE:
          this.#isEscaped = true
          if (byte === 0x75) {
            this.#matched = 0
            this.#unit = 0
            state = HEX
          } else if (isEscape[byte] === 1) {
            this.#escapes.addSimple(1)
            this.#hash = hashByte(this.#hash, byte)
            state = STRING
          } else return at
          at++
          break
        case HEX:
          if (hexValue[byte] === -1) return at
          this.#unit = (this.#unit << 4) | (hexValue[byte] as number)
          if (++this.#matched === 4) {
            this.#escapes.addUnit(this.#unit, this.#escapeStart)
            this.#hash = hashByte(this.#hash, this.#unit)
            state = STRING
          }
          at++
          break
        case WORD:
          if (byte !== this.#word.charCodeAt(this.#matched)) return at
          at++
          if (++this.#matched < this.#word.length) break
          state = this.#word === byteOrderMark ? VALUE : AFTER_VALUE
          if (state === AFTER_VALUE && depth <= listens) listener.end(depth, base + at, 0, 0)
          break
        default: {
          const next = nextOfNumber(state, byte)
          if (next >= 0) {
            state = next
            at++
            if (next !== ZERO && isWholeNumber(next)) while (at < length && isDigit(bytes[at] as number)) at++
          } else if (isWholeNumber(state)) {
            if (depth <= listens) listener.end(depth, base + at, 0, 0)
            state = AFTER_VALUE
          } else return at
        }
      }
    }
    this.#state = state
    this.#depth = depth
    return at
  }

  /** The end of a string, a character that it must not contain, or an escape that the piece ends in. */
  #inString(bytes: Uint8Array, view: DataView, from: number): number {
    const { length } = bytes
    // Names are told apart whatever their length, other strings only where they are short and there is a listener.
    const short = this.#isTold ? this.#start - this.#base + 1 + longestToken : 0
    const told = this.#isName ? length : Math.min(length, short)
    const escapes = this.#escapes
    let at = from
    let hash = this.#hash
    while (at < told) {
      const byte = bytes[at] as number
      if (isSpecial[byte] === 0) {
        hash = hashByte(hash, byte)
        at++
        continue
      }
      const after = byte === BACKSLASH ? escapes.skip(bytes, at, this.#base) : at
      if (after === at) break
      hash = hashByte(hash, escapes.last)
      this.#isEscaped = true
      at = after
    }
    this.#hash = hash
    return at < told ? at : this.#toEnd(bytes, view, at)
  }

  /** The same for what nobody tells apart, which is nearly all. */
  #toEnd(bytes: Uint8Array, view: DataView, from: number): number {
    const { length } = bytes
    const last = length - 1
    const skip = this.#skip
    let simple = 0
    let at = from
    while (true) {
      // Escapes in hexadecimal digits often follow each other.
      if (skip !== undefined && length - at >= leastSkipped && bytes[at] !== BACKSLASH) {
        at = skip.skip(at, length)
        simple += skip.escapes()
      }
      at = plainTextEnd(bytes, view, at)
      if (at >= last || bytes[at] !== BACKSLASH) break
      if (isEscape[bytes[at + 1] as number] === 1) {
        simple++
        at += 2
        continue
      }
      const after = this.#escapes.skip(bytes, at, this.#base)
      if (after === at) break
      this.#isEscaped = true
      at = after
    }
    if (simple > 0) {
      this.#escapes.addSimple(simple)
      this.#isEscaped = true
    }
    return at
  }

  #beginString(start: number, isName: boolean, isTold: boolean): void {
    this.#isName = isName
    this.#isTold = isTold
    this.#start = start
    this.#hash = hashStart
    this.#isEscaped = false
    this.#savedBefore = this.#escapes.saved
    this.#halvesBefore = this.#escapes.loneHalves
  }

  #saved(): number {
    const { saved, loneHalves } = this.#escapes
    return loneHalves === this.#halvesBefore ? saved - this.#savedBefore : -1
  }

  /** The code of the string whose last quote is at `quote`. */
  #codeUpTo(quote: number): number {
    if (this.#isEscaped) return escapedToken
    return quote - this.#start - 1 <= longestToken ? shortToken(this.#hash) : longToken
  }

  /** The state inside of a word, or -1 where there is none. */
  #beginWord(word: string | undefined): number {
    if (word === undefined) return -1
    this.#word = word
    this.#matched = 1
    return WORD
  }

  #refuse(reason: JsonProblem['reason'], at: number): number {
    this.problem ??= { reason, at: this.#base + at }
    return at
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

/** Whether a number may end here. */
function isWholeNumber(state: number): boolean {
  return state === ZERO || state === INTEGER || state === FRACTION || state === EXPONENT_DIGITS
}

/** Where a byte leads inside of a number; -1 where it is no part of it. */
function nextOfNumber(state: number, byte: number): number {
  if (isDigit(byte)) {
    if (state === MINUS) return byte === 0x30 ? ZERO : INTEGER
    if (state === ZERO) return -1
    if (state === POINT) return FRACTION
    return state === EXPONENT || state === EXPONENT_SIGN ? EXPONENT_DIGITS : state
  }
  if (byte === 0x2e) return state === ZERO || state === INTEGER ? POINT : -1
  if (byte === 0x65 || byte === 0x45) {
    return state === ZERO || state === INTEGER || state === FRACTION ? EXPONENT : -1
  }
  return (byte === 0x2b || byte === 0x2d) && state === EXPONENT ? EXPONENT_SIGN : -1
}
