/** Counts what is escaped in a text: each takes a parser as long as many plain bytes. */
export class Escapes {
  /** Escapes of any kind. */
  count = 0
  /** Escapes of halves of characters whose other half is not there. They are what takes longest to write again. */
  loneHalves = 0
  /** Where the escape of a first half ends, whose other half would follow; -1 where there is none. */
  #open = -1

  /** Counts one in hexadecimal digits, of 6 bytes, whose backslash is at `start`. */
  addUnit(unit: number, start: number): void {
    this.count++
    if ((unit & 0xf800) !== 0xd800) return
    const isSecond = (unit & 0x0400) !== 0
    const completes = isSecond && this.#open === start
    this.loneHalves += completes ? -1 : 1
    this.#open = isSecond ? -1 : start + 6
  }
}

/** The value of each hexadecimal digit; -1 for what is none. */
export const hexValue: Int8Array = new Int8Array(256).fill(-1)
for (const [value, digit] of [...'0123456789abcdef'].entries()) {
  hexValue[digit.charCodeAt(0)] = value
  hexValue[digit.toUpperCase().charCodeAt(0)] = value
}

/** The four hexadecimal digits from `at` on as a number; negative where they are none. */
export function hexUnit(bytes: Uint8Array, at: number): number {
  const high =
    ((hexValue[bytes[at] as number] as number) << 4) | (hexValue[bytes[at + 1] as number] as number)
  const low =
    ((hexValue[bytes[at + 2] as number] as number) << 4) | (hexValue[bytes[at + 3] as number] as number)
  return (high << 8) | low | (low >> 31)
}
