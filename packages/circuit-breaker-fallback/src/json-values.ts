import type { JsonObject } from '@spillway/middleware/kit'

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The objects of a list; none where it is no list. */
export function objectsOf(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown

/** Parses JSON to be written again: numbers that JavaScript would round stay as they were written. */
export function parseExactly(text: string): unknown {
  const exactly: Reviver = (_, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source
      ? (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(source)
      : value
  return (JSON.parse as (text: string, reviver: Reviver) => unknown)(text, exactly)
}
