import type { JsonObject } from '@spillway/middleware/kit'
import type { Prompt, Turn } from './prompt.ts'
import {
  badRequest,
  countField,
  isObject,
  lose,
  messagesField,
  numberField,
  stringsField,
} from './request-fields.ts'

/**
 * Turns an Anthropic Messages body into a prompt of text. Tool calls and results are told as text; what cannot
 * be told is replaced by a note and listed in `losses`.
 * @throws LocalModelError with code `SPILLWAY_LOCAL_PROMPT_INVALID`
 */
export function promptFromAnthropic(body: JsonObject, operation: 'generate' | 'count_tokens'): Prompt {
  const losses = new Set<string>()
  const turns: Turn[] = []
  if (body.system !== undefined && body.system !== null) {
    turns.push({ role: 'system', text: contentText(body.system, 'system', losses) })
  }
  messagesField(body).forEach(({ role, content }, index) => {
    if (role !== 'user' && role !== 'assistant' && role !== 'system') {
      throw badRequest(`messages.${index}.role: must be "user", "assistant" or "system"`)
    }
    addTurn(turns, { role, text: contentText(content, `messages.${index}.content`, losses) })
  })
  const maxTokens = countField(body, 'max_tokens')
  if (maxTokens === undefined && operation === 'generate') throw badRequest('max_tokens: Field required')
  if (Array.isArray(body.tools) && body.tools.length > 0) losses.add('tools')
  if (isObject(body.output_config) && body.output_config.format) losses.add('output_format')
  return {
    turns,
    maxTokens,
    stop: stringsField(body.stop_sequences, 'stop_sequences'),
    temperature: numberField(body, 'temperature', 0, 1),
    topP: numberField(body, 'top_p', 0, 1),
    topK: countField(body, 'top_k'),
    seed: undefined,
    losses: [...losses],
  }
}

/** Consecutive turns of one role are one turn. */
export function addTurn(turns: Turn[], turn: Turn): void {
  const last = turns.at(-1)
  if (last?.role !== turn.role) turns.push(turn)
  else turns[turns.length - 1] = { role: turn.role, text: `${last.text}\n\n${turn.text}` }
}

function contentText(content: unknown, at: string, losses: Set<string>): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) throw badRequest(`${at}: must be a string or an array of blocks`)
  const texts = content.map((block: unknown, index) => {
    if (!isObject(block) || typeof block.type !== 'string') {
      throw badRequest(`${at}.${index}: must be a content block with a type`)
    }
    return blockText(block, `${at}.${index}`, losses)
  })
  return texts.filter((text) => text !== '').join('\n\n')
}

function blockText(block: JsonObject, at: string, losses: Set<string>): string {
  switch (block.type) {
    case 'text':
      if (typeof block.text !== 'string') throw badRequest(`${at}.text: must be a string`)
      return block.text
    case 'tool_use':
    case 'server_tool_use':
      return `[Called the tool ${block.name} with ${JSON.stringify(block.input ?? {})}]`
    case 'tool_result': {
      const result = block.content === undefined ? '' : contentText(block.content, `${at}.content`, losses)
      return `[The tool ${block.is_error === true ? 'failed' : 'answered'}]\n${result}`
    }
    case 'thinking':
    case 'redacted_thinking':
      return ''
    case 'image':
      losses.add('images')
      return '[An image was here, which this model cannot see.]'
    case 'document':
      return documentText(block, at, losses)
    default:
      return `[Content of the type ${lose(losses, block.type)} was here, which this model cannot read.]`
  }
}

function documentText(block: JsonObject, at: string, losses: Set<string>): string {
  const { source } = block
  if (isObject(source) && source.type === 'text' && typeof source.data === 'string') return source.data
  if (isObject(source) && source.type === 'content')
    return contentText(source.content, `${at}.source`, losses)
  losses.add('documents')
  return '[A document was here, which this model cannot read.]'
}
