/** Up to so many bytes are searched here: a call into native code takes longer. */
const short = 512

/**
 * Where `needle` first begins between `from` and `end`, or -1.
 * @param needle not empty, and the same object each time: how to search for it is remembered
 */
export function indexIn(bytes: Uint8Array, needle: Uint8Array, from: number, end: number): number {
  if (end - from > short) {
    const at = Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from).indexOf(needle)
    return at < 0 ? -1 : from + at
  }
  const skips = skipsOf(needle)
  const last = needle.length - 1
  for (let at = from + last; at < end; ) {
    const skip = skips[bytes[at] as number] as number
    if (skip !== 0) at += skip
    else if (occursAt(bytes, at - last, needle)) return at - last
    else at++
  }
  return -1
}

export function occursAt(bytes: Uint8Array, at: number, needle: Uint8Array): boolean {
  for (let i = 0; i < needle.length; i++) {
    if (bytes[at + i] !== needle[i]) return false
  }
  return true
}

const known = new WeakMap<Uint8Array, Uint8Array>()

/** How far a needle can be moved by the byte below its end, as Horspool has it; 0 for its own last byte. */
function skipsOf(needle: Uint8Array): Uint8Array {
  let skips = known.get(needle)
  if (skips === undefined) {
    const most = Math.min(needle.length, 255)
    skips = new Uint8Array(256).fill(most)
    for (const [at, byte] of needle.entries()) skips[byte] = Math.min(needle.length - 1 - at, most)
    known.set(needle, skips)
  }
  return skips
}
