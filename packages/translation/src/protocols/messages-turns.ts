import type { JsonObject } from '@spillway/middleware/kit'
import {
  isForeignSignature,
  isObject,
  objectsOf,
  parseObject,
  setSource,
  stringField,
  textOf,
} from '@spillway/wire/internal'
import { blocksOf, defined } from './json.ts'
import type { Loss } from './loss.ts'
import { documentBlock, imageBlock } from './messages-media.ts'
import { CallIds, toolNameFor } from './tool-names.ts'
import { pairedTurns } from './tool-pairs.ts'

type Lose = (loss: Loss) => void

/** The turns of an Anthropic conversation, and the system prompt before it. */
export interface MessagesConversation {
  readonly system: readonly JsonObject[]
  readonly messages: readonly JsonObject[]
}

/**
 * The turns for the messages of a chat: instructions at the beginning become the system prompt, the results of one turn
 * become one user turn with what the user says next behind them.
 * @param midSystem whether the model takes instructions between turns; if not, they become the user's words
 */
export function messagesConversation(
  messages: unknown,
  midSystem: boolean,
  lose: Lose,
): MessagesConversation {
  const system: JsonObject[] = []
  const turns: { role: string; content: JsonObject[] }[] = []
  const ids = new CallIds()
  const add = (role: string, blocks: JsonObject[]): void => {
    if (blocks.length === 0) return
    const last = turns.at(-1)
    if (last?.role === role) last.content.push(...blocks)
    else turns.push({ role, content: blocks })
  }
  // Instructions follow a user turn, and are last or before the assistant's: they wait for such a place.
  let waiting: JsonObject[] = []
  const place = (): void => {
    const isAfterUser = turns.at(-1)?.role === 'user'
    if (waiting.length > 0 && !(midSystem && isAfterUser)) lose('system_messages')
    add(midSystem && isAfterUser ? 'system' : 'user', waiting)
    waiting = []
  }
  for (const message of objectsOf(messages)) {
    switch (message.role) {
      case 'system':
      case 'developer': {
        const blocks = instructionBlocks(message.content)
        if (turns.length === 0) system.push(...blocks)
        else waiting.push(...blocks)
        break
      }
      case 'assistant': {
        const blocks = assistantBlocks(message, ids, lose)
        if (blocks.length > 0) place()
        add('assistant', blocks)
        break
      }
      case 'tool':
        add('user', [withCacheControl(resultBlock(message, ids, lose), message)])
        break
      case 'user':
        if (!midSystem) place()
        add('user', userBlocks(message.content, lose))
        break
      default:
        lose('unknown_fields')
    }
  }
  place()
  if (turns.length === 0 && system.length > 0) {
    // Anthropic refuses a conversation without a turn.
    lose('system_messages')
    add('user', system.splice(0))
  }
  const paired = pairedTurns(turns, lose)
  return { system, messages: paired.map(({ role, content }) => ({ role, content: shortened(content) })) }
}

/** A single plain text is written as a string, as people do. */
function shortened(content: readonly JsonObject[]): unknown {
  const [only] = content
  const isPlain = content.length === 1 && only?.type === 'text' && Object.keys(only).length === 2
  return isPlain ? only.text : content
}

function instructionBlocks(content: unknown): JsonObject[] {
  return blocksOf(content).flatMap((part) => textBlock(part))
}

function textBlock(part: JsonObject): JsonObject[] {
  // Claude refuses texts of white space alone.
  if (typeof part.text !== 'string' || part.text.trim() === '') return []
  return [defined({ type: 'text', text: part.text, cache_control: part.cache_control ?? undefined })]
}

function userBlocks(content: unknown, lose: Lose): JsonObject[] {
  return blocksOf(content).flatMap((part) => {
    switch (part.type) {
      case 'text':
        return textBlock(part)
      case 'image_url':
        return [imageBlock(part, lose)]
      case 'file':
        return [documentBlock(part, lose)]
      case 'input_audio':
        lose('audio')
        return [{ type: 'text', text: '[audio that could not be passed on]' }]
      default:
        lose('unknown_fields')
        return []
    }
  })
}

/** A hint for the cache that hangs on a message, as OpenRouter takes it, hangs on a block at home. */
function withCacheControl(block: JsonObject, { cache_control }: JsonObject): JsonObject {
  return cache_control == null ? block : { ...block, cache_control }
}

function resultBlock(message: JsonObject, ids: CallIds, lose: Lose): JsonObject {
  const tool_use_id = ids.result(textOf(message.tool_call_id))
  const { content } = message
  if (typeof content === 'string') return { type: 'tool_result', tool_use_id, content }
  return { type: 'tool_result', tool_use_id, content: userBlocks(content, lose) }
}

/** Thinking comes first, then the text, then the calls. */
function assistantBlocks(message: JsonObject, ids: CallIds, lose: Lose): JsonObject[] {
  const texts = blocksOf(message.content).flatMap((part) =>
    part.type === 'refusal' ? textBlock({ text: part.refusal }) : textBlock(part),
  )
  const refusal = textBlock({ text: message.refusal })
  const calls = objectsOf(message.tool_calls).map((call): JsonObject => {
    const fn = isObject(call.function) ? call.function : isObject(call.custom) ? call.custom : {}
    const id = ids.call(textOf(call.id))
    const name = toolNameFor('anthropic', textOf(fn.name))
    return { type: 'tool_use', id, name, input: toolInput(fn.arguments ?? fn.input, lose) }
  })
  return [...signedThinking(message, lose), ...texts, ...refusal, ...calls]
}

/** Arguments as an object. Text that is none stays, under a name that tells what it is, for the model to see. */
export function toolInput(text: unknown, lose: Lose): JsonObject {
  if (isObject(text)) return text
  if (typeof text !== 'string' || text.trim() === '') return {}
  const input = parseObject(text)
  if (input !== undefined) return setSource(input, text)
  lose('tool_arguments')
  return { invalid_json: text }
}

/** What another vendor has encrypted Claude refuses, and with it the whole conversation. */
function isClaudes({ format }: JsonObject): boolean {
  return format == null || textOf(format).startsWith('anthropic')
}

/**
 * Thinking that Claude has signed comes back as it was: the traces that `answerToOpenAi` gives away, in the form that
 * OpenRouter gave it. Other reasoning has no signature and stays behind.
 */
function signedThinking(message: JsonObject, lose: Lose): JsonObject[] {
  const details = objectsOf(message.reasoning_details)
  const blocks: { index: unknown; thinking: string; signature: string; data: string }[] = []
  for (const detail of details) {
    const { index } = detail
    let block = blocks.find((known) => index !== undefined && known.index === index)
    if (block === undefined) {
      block = { index, thinking: '', signature: '', data: '' }
      blocks.push(block)
    }
    block.thinking += stringField(detail, 'text') ?? ''
    block.signature += stringField(detail, 'signature') ?? ''
    if (isClaudes(detail)) block.data += stringField(detail, 'data') ?? ''
  }
  const signed = blocks.filter(({ signature, data }) => !isForeignSignature(signature) || data !== '')
  const said = message.reasoning_content ?? message.reasoning
  if (signed.length < blocks.length || (blocks.length === 0 && said)) lose('thinking')
  return signed.map(({ thinking, signature, data }) =>
    isForeignSignature(signature)
      ? { type: 'redacted_thinking', data }
      : { type: 'thinking', thinking, signature },
  )
}
