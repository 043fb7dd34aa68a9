import { bytesIn, type JsonBody, peekBytes } from '@spillway/middleware/kit'
import { documentCharactersPerToken, imageTokens } from './prompt-estimate.ts'
import { promptFactsOf } from './prompt-facts.ts'

/** How much there is in a prompt, told from the bytes of its body. */
export interface PromptSize {
  /** Bytes of text, with the JSON around it. */
  readonly textBytes: number
  /** What its images and documents come to, roughly; 0 where there are none. */
  readonly mediaTokens: number
}

/** Encoded data shorter than this is taken for text: it is looked for in steps of so many bytes. */
const step = 1024
/** How many bytes of base64 in a row are no text of a language. */
const run = 48

/** Larger bodies are not looked through twice. */
const worthKeeping = 16 * 1024
const known = new WeakMap<JsonBody, PromptSize>()

/**
 * Tells text from media in the body of a call, in either protocol, without parsing it: base64 in the places of images and
 * documents is not text, signatures count for nothing, and an image by reference counts as one. It takes a microsecond for
 * a small body, and 0.1 ms at most for each megabyte.
 */
export function promptSizeOf(body: JsonBody): PromptSize {
  if (bytesIn(body) < worthKeeping) return measure(body)
  const before = known.get(body)
  if (before !== undefined) return before
  const size = measure(body)
  known.set(body, size)
  return size
}

function measure(body: JsonBody): PromptSize {
  const bytes = peekBytes(body)
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const images = promptFactsOf(body)?.images ?? countImages(text)
  const encoded = findEncoded(text)
  // An image has a block, whose type may be in escapes, and data, which may be elsewhere.
  const mediaTokens = Math.max(images, encoded.images) * imageTokens + encoded.otherTokens
  return { textBytes: bytes.length - encoded.bytes, mediaTokens: Math.ceil(mediaTokens) }
}

interface Encoded {
  bytes: number
  images: number
  /** Of documents and other data. */
  otherTokens: number
}

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a
const comma = 0x2c

/**
 * Looks at a few bytes in each kilobyte. Where they are base64, it looks at what is between the quotes around them, and
 * goes on behind that, so that no byte is looked at more than twice.
 */
function findEncoded(text: Buffer): Encoded {
  const found: Encoded = { bytes: 0, images: 0, otherTokens: 0 }
  for (let at = step; at + run < text.length; at += step) {
    if (!isBase64(text, at)) continue
    const start = text.lastIndexOf(quote, at) + 1
    const next = text.indexOf(quote, at)
    const end = next < 0 ? text.length : next
    if (start > 1 && text[start - 2] !== backslash) addString(text, start, end, found)
    at = end
  }
  return found
}

function isBase64(text: Buffer, from: number): boolean {
  for (let at = from; at < from + run; at++) if (base64[text[at] as number] !== 1) return false
  return true
}

/** A string that holds base64: whether it is data, by its own beginning or by its name. */
function addString(text: Buffer, start: number, end: number, found: Encoded): void {
  const length = end - start
  const name = nameBefore(text, start - 1)
  if (name === 'signature') found.bytes += length
  if (!dataNames.has(name)) return
  const isUrl = beginsWith(text, start, dataUrl)
  if (!isUrl && name.endsWith('url')) return
  found.bytes += length
  const data = isUrl ? text.indexOf(comma, start) + 1 : start
  if (imageStarts.some((each) => beginsWith(text, data, each))) found.images++
  else found.otherTokens += length / documentCharactersPerToken
}

/** Where the protocols have data. */
const dataNames: ReadonlySet<string> = new Set(['data', 'file_data', 'url', 'image_url'])
const dataUrl = 'data:'

/** How PNG, JPEG, GIF and WebP begin in base64. */
const imageStarts = ['iVBORw0KGgo', '/9j/', 'R0lGOD', 'UklGR']

/** The name of the value that begins at `at`; empty where it has none, or a long one. */
function nameBefore(text: Buffer, at: number): string {
  let last = at - 1
  while (isSpace(text[last])) last--
  if (text[last] !== colon) return ''
  last--
  while (isSpace(text[last])) last--
  if (text[last] !== quote) return ''
  const first = text.lastIndexOf(quote, last - 1)
  return last - first > longestName ? '' : text.toString('latin1', first + 1, last)
}

const longestName = 16

const imageValue = Buffer.from('"image')
const imageEnds = ['"', '_url"']

/** No vendor takes as many; more are not counted. */
const mostImages = 10_000

/** How many blocks are images. In a text, the quotes around the word are escaped. */
function countImages(text: Buffer): number {
  let images = 0
  for (let at = text.indexOf(imageValue); at >= 0 && images < mostImages; ) {
    const end = at + imageValue.length
    const isValue = imageEnds.some((each) => beginsWith(text, end, each))
    if (isValue && nameBefore(text, at) === 'type') images++
    at = text.indexOf(imageValue, end)
  }
  return images
}

function beginsWith(text: Buffer, at: number, beginning: string): boolean {
  return text.toString('latin1', at, at + beginning.length) === beginning
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

const base64 = new Uint8Array(256)
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=') {
  base64[character.charCodeAt(0)] = 1
}
