/** A string in the bytes of a body: where it begins and ends, quotes included. */
export interface TextSpan {
  readonly start: number
  readonly end: number
  /** By how many bytes its UTF-8 is shorter than it is written; -1 where that is unclear. */
  readonly saved: number
}

/** How a text counts in the key of a conversation: by its length, its beginning and its end. */
const sampled = 256

/** How many UTF-16 units of each end tell texts apart, and how many bytes a text has in UTF-8 that is taken whole. */
export function sampleOf(text: string): string {
  // No unit of UTF-16 takes more than three bytes.
  if (text.length * 3 <= 2 * sampled) return `\n${text}`
  const bytes = Buffer.byteLength(text)
  return bytes <= 2 * sampled ? `\n${text}` : sampleFrom(bytes, text, text)
}

function sampleFrom(bytes: number, start: string, end: string): string {
  return `\n${bytes} ${start.slice(0, sampled)}${end.slice(-sampled)}`
}

/** A unit of UTF-16 takes as many bytes at most: `\uXXXX`. */
const longestUnit = 6
/** Enough for texts of ASCII, and for all. */
const slices = [sampled + 32, longestUnit * sampled] as const

/** The same of a string that is not parsed; undefined where it takes a parser. */
export function sampleAt(body: Buffer, { start, end, saved }: TextSpan): string | undefined {
  if (saved < 0) return undefined
  const bytes = end - start - 2 - saved
  if (bytes <= 2 * sampled) return `\n${textAt(body, start, end)}`
  let first: string | undefined
  let last: string | undefined
  for (const slice of slices) {
    if (first === undefined || first.length < sampled) {
      const to = boundaryFrom(body, start + 1 + slice, end - 1)
      first = to < 0 ? undefined : decoded(body, start + 1, to)
    }
    if (last === undefined || last.length < sampled) {
      const from = boundaryBefore(body, end - 1 - slice, start + 1)
      last = from < 0 ? undefined : decoded(body, from, end - 1)
    }
  }
  return first === undefined || last === undefined ? undefined : sampleFrom(bytes, first, last)
}

/** What a string says. */
export function textAt(body: Buffer, start: number, end: number): string {
  return decoded(body, start + 1, end - 1)
}

function decoded(body: Buffer, from: number, to: number): string {
  const text = body.toString('utf8', from, to)
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text
}

/** How far a place is looked for. */
const farthest = 64

/** The first place from `at` on, up to `end`, between two characters as they are written; -1 where none is near. */
function boundaryFrom(body: Buffer, at: number, end: number): number {
  for (let place = at; place < Math.min(end, at + farthest); place++)
    if (isBoundary(body, place)) return place
  return end <= at + farthest ? end : -1
}

/** The last place up to `at`, down to `start`. */
function boundaryBefore(body: Buffer, at: number, start: number): number {
  for (let place = at; place > Math.max(start, at - farthest); place--)
    if (isBoundary(body, place)) return place
  return start >= at - farthest ? start : -1
}

/** No character of UTF-8 and no escape goes on here: there is no backslash so near that its escape could reach as far. */
function isBoundary(body: Buffer, place: number): boolean {
  if (((body[place] as number) & 0xc0) === 0x80) return false
  for (let at = place - longestUnit + 1; at < place; at++) if (body[at] === BACKSLASH) return false
  return true
}

const BACKSLASH = 0x5c
