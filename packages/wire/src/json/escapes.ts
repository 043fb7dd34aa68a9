import { bytesOf } from './bytes-of.ts'

const letterU = 0x75

/** 1 for each byte that a backslash may stand before, but for the `u` of hexadecimal digits. */
export const isEscape: Uint8Array = bytesOf('"\\/bfnrt')

/** Counts what is escaped in a text: each takes a parser as long as many plain bytes. */
export class Escapes {
  /** Escapes of any kind. */
  count = 0
  /** Escapes of halves of characters whose other half is not there. They are what takes longest to write again. */
  loneHalves = 0
  /** By how many bytes UTF-8 is shorter than the escapes, as long as there are no lone halves. */
  saved = 0
  /** What was skipped last: its unit, or the byte behind its backslash. */
  last = 0
  /** Where the escape of a first half ends, whose other half would follow; -1 where there is none. */
  #open = -1

  /** Counts so many of two bytes. */
  addSimple(count: number): void {
    this.count += count
    this.saved += count
  }

  /** Counts one in hexadecimal digits, of 6 bytes, whose backslash is at `start`. */
  addUnit(unit: number, start: number): void {
    this.count++
    const isHalf = (unit & 0xf800) === 0xd800
    this.saved += unit < 0x80 ? 5 : unit < 0x800 || isHalf ? 4 : 3
    if (!isHalf) return
    const isSecond = (unit & 0x0400) !== 0
    const completes = isSecond && this.#open === start
    this.loneHalves += completes ? -1 : 1
    this.#open = isSecond ? -1 : start + 6
  }

  /**
   * Counts the escape whose backslash is at `at`, and says where it ends: at `at` where it is none, or not all of it is here.
   * @param base bytes of the text before these
   */
  skip(bytes: Uint8Array, at: number, base: number): number {
    const kind = bytes[at + 1] as number
    if (kind === letterU) {
      if (at + 5 >= bytes.length) return at
      const unit = hexUnit(bytes, at + 2)
      if (unit < 0) return at
      this.addUnit(unit, base + at)
      this.last = unit
      return at + 6
    }
    if (at + 1 >= bytes.length || isEscape[kind] === 0) return at
    this.addSimple(1)
    this.last = kind
    return at + 2
  }
}

/** The value of each hexadecimal digit; -1 for what is none. */
export const hexValue: Int8Array = new Int8Array(256).fill(-1)
for (const [value, digit] of [...'0123456789abcdef'].entries()) {
  hexValue[digit.charCodeAt(0)] = value
  hexValue[digit.toUpperCase().charCodeAt(0)] = value
}

/** The four hexadecimal digits from `at` on as a number; negative where they are none. */
function hexUnit(bytes: Uint8Array, at: number): number {
  const high =
    ((hexValue[bytes[at] as number] as number) << 4) | (hexValue[bytes[at + 1] as number] as number)
  const low =
    ((hexValue[bytes[at + 2] as number] as number) << 4) | (hexValue[bytes[at + 3] as number] as number)
  return (high << 8) | low | (low >> 31)
}
