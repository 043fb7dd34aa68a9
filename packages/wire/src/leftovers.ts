import { isPlainId } from './plain-id.ts'

/** Places of strings in the bytes of a body, quotes included: where each begins, where it ends. */
export interface Leftovers {
  /** Texts of the assistant's. */
  readonly texts: number[]
  readonly calls: number[]
  readonly results: number[]
}

/** The most calls of tools of which ids are compared: a conversation that has more is looked into by a parser. */
const mostCalls = 10_000

/**
 * Whether a body has what Claude refuses and other models leave in a conversation: a text that is empty or white space, an
 * id of a tool call that Claude does not take or that comes twice. May say so of a body that has none.
 */
export function hasLeftovers(body: Buffer, { texts, calls, results }: Leftovers): boolean {
  if (calls.length > 2 * mostCalls) return true
  const ids = new Set<string>()
  for (let at = 0; at < calls.length; at += 2) {
    const id = between(body, calls, at)
    if (!isPlainId(id) || ids.has(id)) return true
    ids.add(id)
  }
  for (let at = 0; at < results.length; at += 2) {
    if (!isPlainId(between(body, results, at))) return true
  }
  for (let at = 0; at < texts.length; at += 2) {
    if (isBlank(body, (texts[at] as number) + 1, (texts[at + 1] as number) - 1)) return true
  }
  return false
}

function between(body: Buffer, places: readonly number[], at: number): string {
  return body.toString('latin1', (places[at] as number) + 1, (places[at + 1] as number) - 1)
}

const BACKSLASH = 0x5c
const SPACE = 0x20
/** Escapes of white space in JSON: `\n`, `\t`, `\r`, `\f`, and `\u00a0` and the like. */
const escaped = new Set([...'ntrfu'].map((letter) => letter.charCodeAt(0)))
/** What white space outside of ASCII begins with in UTF-8. */
const wideSpaces = new Set([0xc2, 0xe1, 0xe2, 0xe3, 0xef])

/** Reads up to the first byte that cannot be of white space; most texts begin with one. */
function isBlank(body: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = body[at] as number
    if (byte === SPACE) continue
    if (byte !== BACKSLASH) return wideSpaces.has(byte) && body.toString('utf8', start, end).trim() === ''
    const next = body[++at] as number
    if (!escaped.has(next)) return false
    // For a parser to read.
    if (next === 'u'.charCodeAt(0)) return JSON.parse(body.toString('utf8', start - 1, end + 1)).trim() === ''
  }
  return true
}
