import type { JsonObject } from '@spillway/middleware/kit'
import { objectsOf } from './json/values.ts'
import { stringField } from './usage.ts'

/** What servers of the OpenAI shape say of their reasoning, for the way back: OpenRouter's `reasoning_details`. */
export type ReasoningDetails = readonly JsonObject[]

/** The reasoning of a message or a delta, in any vendor's field; some send an empty one beside the one that they use. */
export function reasoningText(message: unknown): string {
  return stringField(message, 'reasoning_content') || (stringField(message, 'reasoning') ?? '')
}

/**
 * Joins the pieces in which OpenRouter streams its `reasoning_details`: texts, summaries and data of one index are one.
 */
export function joinDetails(pieces: readonly JsonObject[]): ReasoningDetails {
  const joined: Record<string, unknown>[] = []
  const known = new Map<unknown, Map<unknown, Record<string, unknown>>>()
  for (const piece of objectsOf(pieces)) {
    const { type, index } = piece
    const ofType = known.get(type) ?? new Map<unknown, Record<string, unknown>>()
    known.set(type, ofType)
    const grown = ofType.get(index)
    if (grown === undefined || index === undefined) {
      const first = { ...piece }
      joined.push(first)
      if (grown === undefined) ofType.set(index, first)
      continue
    }
    for (const [name, value] of Object.entries(piece)) {
      const before = grown[name]
      const grows = name === 'text' || name === 'summary' || name === 'data'
      if (grows && typeof before === 'string' && typeof value === 'string') grown[name] = before + value
      else if (value != null) grown[name] = value
    }
  }
  return joined
}
