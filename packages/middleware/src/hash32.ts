/**
 * A hash of 32 bits, as a signed integer: FNV-1a over UTF-16 units, mixed. For keys of a {@link RecentMap} that callers choose: a map
 * holds such integers without an object for each. Of n keys, one in 2^32 / n others has the hash of one. Not for secrets.
 */
export function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return mix32(hash) | 0
}

/** The finaliser of MurmurHash3: an unsigned integer of 32 bits, each bit of which depends on all of the value. */
export function mix32(value: number): number {
  let bits = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}
