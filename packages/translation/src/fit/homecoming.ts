import type { JsonObject } from '@spillway/middleware/kit'
import { isObject, isPlainId, objectsOf, stringField, textOf } from '@spillway/wire/internal'
import { CallIds } from '../protocols/tool-names.ts'

/**
 * The messages of a Messages request as Claude takes them, where another model has answered in between: without texts of
 * white space alone in the assistant's turns, each tool call under an id that Claude takes and that comes once, its result
 * under the same. The very same list where nothing has to change. Nothing that is said gets lost.
 */
export function broughtHome(messages: unknown): unknown {
  if (!Array.isArray(messages) || !needsHomecoming(messages)) return messages
  const ids = new CallIds()
  const home = messages.flatMap((message: unknown) => {
    if (!isObject(message)) return [message]
    if (typeof message.content === 'string') return isBlankAnswer(message) ? [] : [message]
    if (!Array.isArray(message.content)) return [message]
    const content = message.content.flatMap((block: unknown) => {
      if (!isObject(block)) return [block]
      if (message.role === 'assistant' && isBlank(block)) return []
      return [withHomeId(block, ids)]
    })
    // An answer of nothing but white space; the turns around it are one.
    return content.length === 0 && message.content.length > 0 ? [] : [{ ...message, content }]
  })
  return home.length === 0 ? messages : home
}

function withHomeId(block: JsonObject, ids: CallIds): JsonObject {
  if (block.type === 'tool_use') {
    const id = ids.call(textOf(block.id))
    return id === block.id ? block : { ...block, id }
  }
  if (block.type !== 'tool_result') return block
  const tool_use_id = ids.result(textOf(block.tool_use_id))
  return tool_use_id === block.tool_use_id ? block : { ...block, tool_use_id }
}

/** Whether there is anything in the messages that Claude would refuse and that another model may have left there. */
export function needsHomecoming(messages: unknown): boolean {
  const ids = new Set<unknown>()
  return objectsOf(messages).some((message) => {
    if (isBlankAnswer(message)) return true
    return objectsOf(message.content).some((block) => {
      if (block.type === 'text') return message.role === 'assistant' && isBlank(block)
      if (block.type === 'tool_result') return !isPlainId(textOf(block.tool_use_id))
      if (block.type !== 'tool_use') return false
      const isKnown = ids.has(block.id)
      ids.add(block.id)
      return isKnown || !isPlainId(textOf(block.id))
    })
  })
}

function isBlankAnswer({ role, content }: JsonObject): boolean {
  return role === 'assistant' && typeof content === 'string' && content.trim() === ''
}

function isBlank(block: JsonObject): boolean {
  return block.type === 'text' && (stringField(block, 'text') ?? 'x').trim() === ''
}
