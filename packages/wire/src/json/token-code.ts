/** Strings of more bytes than this are not told apart. */
export const longestToken = 24

/** The code of a string with an escape in it, which may say anything. */
export const escapedToken = 1
/** The code of a string that is too long to be told apart. */
export const longToken = 2

export const hashStart: number = 0x811c9dc5 | 0

/** FNV-1a, one byte further. */
export function hashByte(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193)
}

/** Sets the codes of short strings apart from all others. */
export function shortToken(hash: number): number {
  return hash | 0x80000000
}

/**
 * A number by which a short ASCII string is recognised, without making a string of it. Others may have the same number, so
 * nothing must depend on it that a caller could want to fake.
 */
export function tokenCode(text: string): number {
  let hash = hashStart
  for (let at = 0; at < text.length; at++) hash = hashByte(hash, text.charCodeAt(at))
  return shortToken(hash)
}
