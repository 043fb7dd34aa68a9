/** 1 for each byte that a JSON string cannot hold as it is: quotes, backslashes, control characters. */
export const isSpecial: Uint8Array = new Uint8Array(256).fill(1, 0, 0x20)
isSpecial[0x22] = 1
isSpecial[0x5c] = 1

/**
 * Where the plain text of a JSON string ends that goes on at `from`: at its quote, at a backslash, at a control character,
 * or at the end of the bytes. Looks at eight bytes at a time.
 * @param view of the same bytes
 */
export function plainTextEnd(bytes: Uint8Array, view: DataView, from: number): number {
  const { length } = bytes
  let at = from
  for (const last = length - 8; at <= last; at += 8) {
    const first = specialsIn(view.getInt32(at, true))
    const second = specialsIn(view.getInt32(at + 4, true))
    if ((first | second) === 0) continue
    return first === 0 ? at + 4 + lowestByte(second) : at + lowestByte(first)
  }
  while (at < length && isSpecial[bytes[at] as number] === 0) at++
  return at
}

/**
 * 0 where none of the four bytes of a word is special; else the highest bit of the lowest one that is, and perhaps of some
 * above it. A byte of 0 is one that borrows when 1 is taken from it, and `^` makes that of a backslash. With its second bit turned,
 * a quote follows the control characters and is followed by the space, so one subtraction finds both; bytes from 80 on are no ASCII.
 */
function specialsIn(word: number): number {
  const backslash = word ^ 0x5c5c5c5c
  const quote = word ^ 0x02020202
  return ((backslash - 0x01010101) | (quote - 0x21212121)) & ~word & 0x80808080
}

/** Which byte of a word the lowest bit that is set belongs to. */
function lowestByte(bits: number): number {
  return (31 - Math.clz32(bits & -bits)) >> 3
}
