import { randomInt } from 'node:crypto'
import { crc32 } from 'node:zlib'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** Random characters of base62: 214 bits, of which the prefix that is shown gives away 24. */
const randomLength = 36
/** 32 bits in base62. */
const checksumLength = 6

/** A client key as it is written, wherever it is: for scanners, and for logs. */
export const clientKeyPattern: RegExp = /\bsw-[0-9A-Za-z]{42}(?![0-9A-Za-z])/

/** What all keys begin with. */
export const clientKeyStart = 'sw-'

/**
 * A new key: `sw-`, 36 random characters, and 6 of a checksum, so that a mistyped key is recognised without looking it up, and
 * a scanner finds leaked keys without false alarms.
 * @param random a number from 0 to below its argument
 */
export function newClientKey(random: (below: number) => number = randomInt): string {
  let text = clientKeyStart
  for (let index = 0; index < randomLength; index++) text += alphabet[random(alphabet.length)]
  return text + checksumOf(text)
}

/** `key` for one that is well-formed, `mistyped` for one whose checksum or length is wrong, `foreign` for anything else. */
export function kindOfKey(text: string): 'key' | 'mistyped' | 'foreign' {
  if (!text.startsWith(clientKeyStart)) return 'foreign'
  const length = clientKeyStart.length + randomLength
  if (text.length !== length + checksumLength || !clientKeyPattern.test(text)) return 'mistyped'
  return checksumOf(text.slice(0, length)) === text.slice(length) ? 'key' : 'mistyped'
}

/** What people tell keys apart by: the first characters. */
export const prefixOf = (key: string): string => key.slice(0, clientKeyStart.length + 4)

function checksumOf(text: string): string {
  let rest = crc32(text)
  let written = ''
  for (let index = 0; index < checksumLength; index++) {
    written = alphabet[rest % alphabet.length] + written
    rest = Math.floor(rest / alphabet.length)
  }
  return written
}
