import type { JsonObject } from '@spillway/middleware'
import { objectsOf, reasoningText, stringField } from '@spillway/wire'

/** Messages of the assistant that follow each other as one, which servers of chat completions insist on. */
export function joinedMessages(messages: readonly JsonObject[]): JsonObject[] {
  const joined: JsonObject[] = []
  for (const message of messages) {
    const last = joined.at(-1)
    if (message.role !== 'assistant' || last?.role !== 'assistant') joined.push(message)
    else joined[joined.length - 1] = together(last, message)
  }
  return joined.map(withReasoningText)
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

/** Several servers read the text alone. */
function withReasoningText(message: JsonObject): JsonObject {
  const details = objectsOf(message.reasoning_details)
  if (details.length === 0 || reasoningText(message) !== '') return message
  const text = details
    .map((detail) => stringField(detail, 'text') ?? stringField(detail, 'summary') ?? '')
    .join('')
  return text === '' ? message : { ...message, reasoning_content: text }
}
