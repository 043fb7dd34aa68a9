/** 48 bits of milliseconds last until the year 10889. */
const latest = 2 ** 48 - 1

let at = -1
let begin = ''

/**
 * A unique id of a call: a UUID of version 7 (RFC 9562, section 5.7). It begins with the time, so that ids that follow each other lie
 * together in the index of a database: an insertion among random ids touches a separate page.
 * @param epoch milliseconds since the Unix epoch
 */
export function newCallId(epoch: number): string {
  const ms = Math.min(Math.max(Math.floor(epoch), 0), latest)
  if (ms !== at) {
    const digits = ms.toString(16).padStart(12, '0')
    begin = `${digits.slice(0, 8)}-${digits.slice(8)}-7`
    at = ms
  }
  // Behind its version a random UUID is what one of version 7 is: 12 random bits, the variant, 62 random bits.
  return begin + crypto.randomUUID().slice(15)
}
