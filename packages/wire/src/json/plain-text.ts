/** 1 for each byte that a JSON string cannot hold as it is: quotes, backslashes, control characters. */
export const isSpecial: Uint8Array = new Uint8Array(256).fill(1, 0, 0x20)
isSpecial[0x22] = 1
isSpecial[0x5c] = 1

/** Bytes looked at one by one before whole words are: most strings of JSON are shorter. */
const shortRun = 16

/** The bytes of a chunk, and the same memory as aligned words of four bytes. */
export interface Chunk {
  readonly bytes: Uint8Array
  readonly words: Int32Array
  /** Which byte the first word begins at. */
  readonly firstWord: number
}

/** Makes a chunk readable for {@link plainTextEnd}. */
export function chunkOf(bytes: Uint8Array): Chunk {
  const { buffer, byteOffset, length } = bytes
  const firstWord = -byteOffset & 3
  // A view costs more than reading a few bytes.
  const count = length < 256 ? 0 : (length - firstWord) >> 2
  return {
    bytes,
    firstWord,
    words: count === 0 ? noWords : new Int32Array(buffer, byteOffset + firstWord, count),
  }
}

const noWords = new Int32Array(0)

/**
 * Where the plain text of a JSON string ends that goes on at `from`: at its quote, at a backslash, at a control
 * character, or at the end of the chunk. Reads eight bytes at a time: a byte of a word is one of those exactly where
 * subtracting 1 (or 32) from it, less what is to be found, borrows.
 */
export function plainTextEnd({ bytes, words, firstWord }: Chunk, from: number): number {
  const { length } = bytes
  let at = from
  const short = Math.min(length, from + shortRun)
  while (at < short && isSpecial[bytes[at] as number] === 0) at++
  if (at < short || at === length) return at
  let word = (at - firstWord + 3) >> 2
  const aligned = Math.min(length, firstWord + (word << 2))
  while (at < aligned && isSpecial[bytes[at] as number] === 0) at++
  if (at < aligned) return at
  const last = words.length - 1
  while (word < last) {
    const a = words[word] as number
    const b = words[word + 1] as number
    const quoteA = a ^ 0x22222222
    const quoteB = b ^ 0x22222222
    const slashA = a ^ 0x5c5c5c5c
    const slashB = b ^ 0x5c5c5c5c
    const found =
      ((quoteA - 0x01010101) & ~quoteA) |
      ((slashA - 0x01010101) & ~slashA) |
      ((a - 0x20202020) & ~a) |
      ((quoteB - 0x01010101) & ~quoteB) |
      ((slashB - 0x01010101) & ~slashB) |
      ((b - 0x20202020) & ~b)
    if ((found & 0x80808080) !== 0) break
    word += 2
    at += 8
  }
  while (at < length && isSpecial[bytes[at] as number] === 0) at++
  return at
}
