import { type JsonLimits, type JsonListener, JsonScanner } from './json/json-scanner.ts'

/**
 * What one JSON text from outside may have: an answer, an event, the arguments of a tool. An answer with the logarithms of
 * twenty tokens for each token has 160 values a token.
 */
export const textLimits: JsonLimits = {
  depth: 512,
  values: 1_000_000,
  shapes: 65_536,
  escapes: 12_000_000,
  loneHalves: 65_536,
}

/** Shorter texts are cheap to parse whatever they are. */
const cheapLength = 65_536

const deaf: JsonListener = { depth: 0, name() {}, begin() {}, end() {} }
const BYTE_ORDER_MARK = 0xef

/**
 * Parses a JSON text from outside. Undefined for what is not JSON, and for what has more in it than {@link textLimits}:
 * `JSON.parse` takes seconds, and fifteen times the memory, for 30 MB of small objects.
 */
export function parseBounded(json: string | Uint8Array): unknown {
  try {
    if (json.length > cheapLength && !isBounded(json)) return undefined
    return JSON.parse(typeof json === 'string' ? json : textOf(json))
  } catch {
    return undefined
  }
}

/** As TextDecoder has it, which takes three times as long for a short text. */
function textOf(json: Uint8Array): string {
  const text = Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString()
  return json[0] === BYTE_ORDER_MARK && text.startsWith('\ufeff') ? text.slice(1) : text
}

/** Whether a JSON text has no more in it than {@link textLimits}. */
export function isBounded(json: string | Uint8Array): boolean {
  const scanner = new JsonScanner(textLimits, deaf)
  scanner.write(typeof json === 'string' ? Buffer.from(json) : json)
  scanner.end()
  return scanner.problem === undefined
}
