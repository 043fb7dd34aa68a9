const SPACE = 0x20
const QUOTE = 0x22
const BACKSLASH = 0x5c
const DIGIT_0 = 0x30
const DIGIT_7 = 0x37
const DIGIT_8 = 0x38
const LETTER_D = 0x64
const LETTER_U = 0x75

/**
 * How many bytes of UTF-8 the string has that begins at `start` of a JSON text, without decoding it; 0 where something else
 * begins there.
 */
export function stringBytes(json: Uint8Array, start: number, end: number = json.length): number {
  let at = start
  while (json[at] === SPACE) at++
  if (json[at] !== QUOTE) return 0
  let bytes = 0
  for (at++; at < end && json[at] !== QUOTE; at++) {
    if (json[at] !== BACKSLASH) {
      bytes++
      continue
    }
    if (json[++at] !== LETTER_U) {
      bytes++
      continue
    }
    bytes += escapedBytes(json[at + 1] as number, json[at + 2] as number)
    at += 4
  }
  return bytes
}

/** Of a character by the first two digits of its escape: two bytes up to 07ff, and for each half of a pair. */
function escapedBytes(first: number, second: number): number {
  if (first === DIGIT_0 && second <= DIGIT_7) return 2
  // Either case of the letter.
  if ((first | 0x20) === LETTER_D && second >= DIGIT_8) return 2
  return 3
}
