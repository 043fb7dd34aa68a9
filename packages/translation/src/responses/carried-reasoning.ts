import type { JsonObject } from '@spillway/middleware/kit'
import { field, objectsOf, parseBounded, type ReasoningDetails, stringField } from '@spillway/wire/internal'

/** What `encrypted_content` of Spillway's making begins with. */
const mark = 'spillway:1:'

/** How OpenRouter names the form of OpenAI's encrypted reasoning. */
export const openAiFormat = 'openai-responses-v1'

/**
 * Reasoning as the `encrypted_content` of an item: opaque to the caller, who sends it back as it is, so that Claude gets its signed
 * thinking home. It is encoded and not encrypted: whoever may read the answer may read it.
 */
export function packedReasoning(details: ReasoningDetails): string {
  return `${mark}${Buffer.from(JSON.stringify(details)).toString('base64url')}`
}

/** The reasoning of an item that comes back, as a chat message carries it; empty where the item has none. */
export function reasoningOf(item: JsonObject): ReasoningDetails {
  const packed = stringField(item, 'encrypted_content') ?? ''
  if (packed.startsWith(mark)) return unpacked(packed.slice(mark.length))
  const summary = objectsOf(item.summary).flatMap((part) => stringField(part, 'text') ?? [])
  const said =
    summary.length > 0 ? summary : objectsOf(item.content).flatMap((part) => stringField(part, 'text') ?? [])
  const texts = said.length === 0 ? [] : [{ type: 'reasoning.summary', summary: said.join('\n\n'), index: 0 }]
  if (packed === '') return texts
  return [
    ...texts,
    { type: 'reasoning.encrypted', data: packed, id: item.id, format: openAiFormat, index: 0 },
  ]
}

function unpacked(text: string): ReasoningDetails {
  const value = parseBounded(Buffer.from(text, 'base64url').toString())
  return Array.isArray(value) ? value.filter((each) => field(each, 'type') !== undefined) : []
}
