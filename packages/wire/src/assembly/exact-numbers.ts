import { parseBounded } from '../bounded-json.ts'

/** Numbers that do not survive being read: too long for a double, or written otherwise than JavaScript writes them. */
const delicate = /[\d.]{16}|\d[eE]|\.\d*0\b/

type RawJson = typeof JSON & { rawJSON(text: string): unknown }
type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown

/** A number that would be written otherwise stays the text that it was, for `JSON.stringify` alone. */
const keepNumber: Reviver = (_key, value, { source }) =>
  typeof value === 'number' && source !== undefined && String(value) !== source
    ? (JSON as RawJson).rawJSON(source)
    : value

/**
 * Parses a JSON text from outside so that it can be written again with its numbers as they were: arguments of tools have ids
 * of more than 53 bits. Undefined for what `parseBounded` does not take.
 */
export function parseExact(bytes: Uint8Array): unknown {
  const plain = parseBounded(bytes)
  if (plain === undefined) return undefined
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
  return delicate.test(text) ? JSON.parse(text.replace(/^\ufeff/, ''), keepNumber as never) : plain
}
