import type { JsonObject } from '@spillway/middleware/kit'
import { objectsOf } from '@spillway/wire/internal'

/** Content as a list of blocks: a string is short for one text block, in both protocols. */
export function blocksOf(content: unknown): JsonObject[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : objectsOf(content)
}

/** The same object without the fields that are undefined, which JSON has no word for. */
export function defined(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
}
