import type { JsonObject } from '@spillway/middleware/kit'
import { isObject, objectsOf } from './json/values.ts'
import { field, stringField } from './usage.ts'

/** A piece of what a chat message says, or thinks. */
export interface ContentPiece {
  readonly type: 'text' | 'thinking'
  readonly text: string
}

/**
 * The content of a chat message, or of a delta of one, in its order. Most servers send a string, a few send parts; Mistral has
 * its thinking among them, in parts again.
 */
export function contentPieces(content: unknown): ContentPiece[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }]
  return objectsOf(content).flatMap((part): ContentPiece[] => {
    const isThought = part.type === 'thinking'
    const text = isThought ? thoughtOf(part.thinking) : (stringField(part, 'text') ?? '')
    return text === '' ? [] : [{ type: isThought ? 'thinking' : 'text', text }]
  })
}

function thoughtOf(thinking: unknown): string {
  if (typeof thinking === 'string') return thinking
  return objectsOf(thinking)
    .map((part) => stringField(part, 'text') ?? '')
    .join('')
}

/** A call of a tool, or a piece of one, in whichever form its server has. */
export interface CallPiece {
  readonly id: string | undefined
  readonly index: number
  readonly name: string
  /** Text of JSON, or free text where the call is a custom tool's; undefined where the piece has none. */
  readonly input: unknown
  readonly isCustom: boolean
}

/**
 * The calls in a chat message or in a delta of one: functions, custom tools, and the one call of older servers. Some servers
 * send an empty one beside every text, which is none.
 */
export function callPieces(message: JsonObject): CallPiece[] {
  const calls = objectsOf(message.tool_calls).map((call, position): CallPiece => {
    const isCustom = !isObject(call.function) && isObject(call.custom)
    return {
      id: stringField(call, 'id') || undefined,
      index: typeof call.index === 'number' ? call.index : position,
      name: stringField(isCustom ? call.custom : call.function, 'name') ?? '',
      input: isCustom ? field(call.custom, 'input') : field(call.function, 'arguments'),
      isCustom,
    }
  })
  if (calls.length > 0 || !hasFunctionCall(message)) return calls
  const { function_call: fn } = message
  const name = stringField(fn, 'name') ?? ''
  return [{ id: undefined, index: 0, name, input: field(fn, 'arguments'), isCustom: false }]
}

/** Whether a message has the one call of older servers, and it says something. */
export function hasFunctionCall(message: unknown): boolean {
  const fn = field(message, 'function_call')
  return Boolean(field(fn, 'name')) || Boolean(field(fn, 'arguments'))
}
