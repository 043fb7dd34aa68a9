import type { JsonObject } from '@spillway/middleware/kit'
import { field, objectsOf, reasoningText, stringField, textOf } from '@spillway/wire/internal'

/**
 * Messages of the assistant that follow each other as one, and texts as strings: servers of chat completions insist on the one, and
 * some of them on the other.
 */
export function joinedMessages(messages: readonly JsonObject[]): JsonObject[] {
  const joined: JsonObject[] = []
  for (const message of messages) {
    const last = joined.at(-1)
    if (message.role !== 'assistant' || last?.role !== 'assistant') joined.push(message)
    else joined[joined.length - 1] = together(last, message)
  }
  return joined.map((message) => withReasoningText(withPlainText(message)))
}

function together(first: JsonObject, second: JsonObject): JsonObject {
  const calls = [...objectsOf(first.tool_calls), ...objectsOf(second.tool_calls)]
  const details = [...objectsOf(first.reasoning_details), ...objectsOf(second.reasoning_details)]
  return {
    role: 'assistant',
    content: contentOfBoth(first.content, second.content),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
    ...(details.length > 0 ? { reasoning_details: details } : {}),
  }
}

function contentOfBoth(first: unknown, second: unknown): unknown {
  if (first == null) return second
  if (second == null) return first
  return [...partsOf(first), ...partsOf(second)]
}

function partsOf(content: unknown): readonly JsonObject[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : objectsOf(content)
}

/** Several servers read the text alone; where there is nothing but a text, no details say it again, which strict ones refuse. */
function withReasoningText(message: JsonObject): JsonObject {
  const details = objectsOf(message.reasoning_details)
  if (details.length === 0 || reasoningText(message) !== '') return message
  const text = details
    .map((detail) => stringField(detail, 'text') ?? stringField(detail, 'summary') ?? '')
    .join('')
  if (text === '') return message
  const { reasoning_details, ...rest } = message
  const isPlain = details.every(({ signature, data, format }) => (signature ?? data ?? format) === undefined)
  return { ...rest, reasoning_content: text, ...(isPlain ? {} : { reasoning_details }) }
}

function withPlainText(message: JsonObject): JsonObject {
  const { role, content } = message
  if (!Array.isArray(content) || !content.every((part) => field(part, 'type') === 'text')) return message
  const texts = objectsOf(content).map(({ text }) => textOf(text))
  return { ...message, content: texts.join(role === 'assistant' ? '' : '\n') }
}
