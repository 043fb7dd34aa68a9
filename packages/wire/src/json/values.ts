import type { JsonObject } from '@spillway/middleware/kit'
import { parseBounded } from '../bounded-json.ts'

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The objects of a list; nothing for what is none. Callers may send anything. */
export function objectsOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

/**
 * A value that should be text, as text; empty for objects and lists. `String` would call the `toString` that a caller may
 * have put into an object, and throw.
 */
export function textOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? '' : String(value)
}

/** A value that should be a number, or digits; NaN for everything else. */
export function numberOf(value: unknown): number {
  return typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN
}

/** Parses a text; undefined when it is not a JSON object, or has more in it than can be parsed in time. */
export function parseObject(text: string): JsonObject | undefined {
  const value = parseBounded(text)
  return isObject(value) ? value : undefined
}
