import type { JsonObject } from '@spillway/middleware/kit'
import { isObject, objectsOf, stringField, textOf } from '@spillway/wire/internal'
import { blocksOf } from '../protocols/json.ts'
import type { Loss } from '../protocols/loss.ts'
import { openAiFormat } from './carried-reasoning.ts'

type Lose = (loss: Loss) => void

/** The input of a request for the messages of a chat, in their order. */
export function itemsOfMessages(messages: unknown, lose: Lose): JsonObject[] {
  return objectsOf(messages).flatMap((message) => {
    switch (message.role) {
      case 'system':
      case 'developer':
        return [{ role: 'developer', content: inputParts(message.content, lose) }]
      case 'user':
        return [{ role: 'user', content: inputParts(message.content, lose) }]
      case 'assistant':
        return assistantItems(message, lose)
      case 'tool': {
        const output = inputParts(message.content, lose)
        return [{ type: 'function_call_output', call_id: textOf(message.tool_call_id), output }]
      }
      default:
        lose('unknown_fields')
        return []
    }
  })
}

/** A plain text stays one. */
function inputParts(content: unknown, lose: Lose): string | JsonObject[] {
  if (typeof content === 'string') return content
  return objectsOf(content).flatMap((part) => inputPart(part, lose))
}

function inputPart(part: JsonObject, lose: Lose): JsonObject[] {
  if (part.cache_control != null) lose('cache_control')
  switch (part.type) {
    case 'text':
      return [{ type: 'input_text', text: part.text }]
    case 'image_url': {
      const image_url = stringField(part.image_url, 'url') ?? part.image_url
      const detail = isObject(part.image_url) ? (part.image_url.detail ?? 'auto') : 'auto'
      return [{ type: 'input_image', image_url, detail }]
    }
    case 'file':
      return [{ type: 'input_file', ...(isObject(part.file) ? part.file : {}) }]
    case 'input_audio':
      lose('audio')
      return [{ type: 'input_text', text: '[audio that could not be passed on]' }]
    default:
      lose('unknown_fields')
      return []
  }
}

/** Reasoning comes before what it has led to, then the text, then the calls. */
function assistantItems(message: JsonObject, lose: Lose): JsonObject[] {
  const text = blocksOf(message.content)
    .map((part) => textOf(part.text ?? part.refusal ?? ''))
    .join('')
  const refusal = stringField(message, 'refusal') ?? ''
  const said = text + refusal
  const calls = objectsOf(message.tool_calls).map((call): JsonObject => {
    const fn = isObject(call.function) ? call.function : isObject(call.custom) ? call.custom : {}
    const args = textOf(fn.arguments ?? fn.input ?? '')
    return {
      type: 'function_call',
      call_id: textOf(call.id),
      name: fn.name,
      arguments: args === '' ? '{}' : args,
    }
  })
  return [
    ...reasoningItems(message, lose),
    ...(said === '' ? [] : [{ role: 'assistant', content: said }]),
    ...calls,
  ]
}

/** Reasoning that such a server has encrypted goes home; it takes no other. */
function reasoningItems(message: JsonObject, lose: Lose): JsonObject[] {
  const details = objectsOf(message.reasoning_details)
  const own = details.filter(({ type, format }) => type === 'reasoning.encrypted' && format === openAiFormat)
  const said = message.reasoning_content ?? message.reasoning
  if (own.length === 0 && (details.length > 0 || said)) lose('thinking')
  return own.map(({ data, id, index }) => {
    const texts = details.filter((each) => each.type === 'reasoning.summary' && each.index === index)
    const summary = texts.map((each) => ({ type: 'summary_text', text: textOf(each.summary) }))
    return { type: 'reasoning', ...(typeof id === 'string' ? { id } : {}), summary, encrypted_content: data }
  })
}
