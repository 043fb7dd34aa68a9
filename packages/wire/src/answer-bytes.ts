import type { Api } from '@spillway/middleware'
import { contentPieces } from './chat-content.ts'
import { isObject, objectsOf } from './json/values.ts'
import { toolCallBytes } from './output-estimate.ts'
import { reasoningText } from './reasoning-details.ts'
import { field } from './usage.ts'

/** Bytes of UTF-8 in the text, thinking and arguments of an answer that was not streamed. */
export function answerBytes(api: Api, answer: unknown): number {
  let bytes = 0
  const add = (text: unknown): void => {
    if (typeof text === 'string') bytes += Buffer.byteLength(text)
  }
  const addCall = (name: unknown, given: unknown): void => {
    bytes += toolCallBytes(name)
    add(isObject(given) ? written(given) : given)
  }
  if (api === 'anthropic') {
    for (const block of objectsOf(field(answer, 'content'))) {
      add(block.text)
      add(block.thinking)
      if (block.input !== undefined) addCall(block.name, block.input)
    }
    return bytes
  }
  if (api === 'responses') {
    for (const item of objectsOf(field(answer, 'output'))) {
      for (const part of [...objectsOf(item.content), ...objectsOf(item.summary)]) {
        add(part.text)
        add(part.refusal)
      }
      if (item.name !== undefined) addCall(item.name, item.arguments ?? item.input)
    }
    return bytes
  }
  for (const { message } of objectsOf(field(answer, 'choices'))) {
    const content = field(message, 'content')
    add(content)
    if (typeof content !== 'string') for (const { text } of contentPieces(content)) add(text)
    add(field(message, 'refusal'))
    // Some servers say it twice.
    add(reasoningText(message))
    for (const call of objectsOf(field(message, 'tool_calls')))
      addCall(field(call.function, 'name'), field(call.function, 'arguments'))
  }
  return bytes
}

/** Arguments nested so deeply that they cannot be written again count for nothing: an estimate must not fail its answer. */
function written(given: object): string | undefined {
  try {
    return JSON.stringify(given)
  } catch {
    return undefined
  }
}
