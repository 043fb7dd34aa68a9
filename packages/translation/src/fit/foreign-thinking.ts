import type { JsonBody, JsonObject } from '@spillway/middleware/kit'
import { isForeignSignature, isObject, objectsOf, promptFactsOf, stringField } from '@spillway/wire/internal'

/** Whose thinking a target takes back: Claude its own, other models none that Claude has signed. */
export type ThinkingOf = 'claude' | 'others'

/**
 * The messages of a Messages request without thinking that the target must not see; the very same list where there is
 * none. Claude never gets a block without a signature, with one of Spillway's or with a random id; whether another Claude
 * has signed it, no block tells.
 */
export function withoutForeignThinking(messages: unknown, target: ThinkingOf): unknown {
  if (!Array.isArray(messages) || !hasForeignThinking(messages, target)) return messages
  return messages.flatMap((message: unknown) => {
    if (!isObject(message) || !hasForeign(message, target)) return [message]
    const content = objectsOf(message.content).filter((block) => !isForeign(block, target))
    return content.length === 0 ? [] : [{ ...message, content }]
  })
}

/**
 * Whether a body may have thinking that the target must not see. One that was scanned is not parsed for that.
 * @throws SyntaxError when the body was not scanned and is not JSON
 */
export function mayHaveForeignThinking(body: JsonBody, target: ThinkingOf): boolean {
  const facts = promptFactsOf(body)
  if (facts === undefined) return hasForeignThinking(body.json.messages, target)
  const { ofClaude, ofOthers, redacted } = facts.thinking
  return target === 'claude' ? ofOthers : ofClaude || redacted
}

/** Whether there is any thinking that the target must not see. */
export function hasForeignThinking(messages: unknown, target: ThinkingOf): boolean {
  return Array.isArray(messages) && messages.some((message) => hasForeign(message, target))
}

function hasForeign(message: unknown, target: ThinkingOf): boolean {
  if (!isObject(message) || message.role !== 'assistant') return false
  return objectsOf(message.content).some((block) => isForeign(block, target))
}

function isForeign(block: JsonObject, target: ThinkingOf): boolean {
  if (block.type === 'redacted_thinking') return target === 'others'
  if (block.type !== 'thinking') return false
  return isForeignSignature(stringField(block, 'signature') ?? '') === (target === 'claude')
}

/** The messages without any thinking, for another Claude than the one that signed it. */
export function withoutThinking(messages: unknown): unknown {
  return withoutForeignThinking(withoutForeignThinking(messages, 'claude'), 'others')
}

/** Whether a conversation is in a tool loop whose last answer does not begin with thinking. */
export function lacksThinking(messages: unknown): boolean {
  const turns = objectsOf(messages)
  if (!objectsOf(turns.at(-1)?.content).some(({ type }) => type === 'tool_result')) return false
  const [first] = objectsOf(turns.findLast(({ role }) => role === 'assistant')?.content)
  return first?.type !== 'thinking' && first?.type !== 'redacted_thinking'
}
