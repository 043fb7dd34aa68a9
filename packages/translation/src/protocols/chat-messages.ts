import type { JsonObject } from '@spillway/middleware/kit'
import { stringField, textOf, writeJson } from '@spillway/wire/internal'
import { anthropicTurns, systemBlocks, type Turn } from './anthropic-turns.ts'
import type { ChatDialect } from './dialect.ts'
import { blocksOf, defined } from './json.ts'
import type { Loss } from './loss.ts'
import { carriedDetails, isSpillwaySigned } from './spillway-signature.ts'
import { toolIdFor, toolNameFor } from './tool-names.ts'

type Lose = (loss: Loss) => void

/** The messages of a chat for the system prompt and the turns of an Anthropic conversation. */
export function chatMessages(body: JsonObject, dialect: ChatDialect, lose: Lose): JsonObject[] {
  const messages: JsonObject[] = []
  const system = systemBlocks(body.system)
  if (system.length > 0)
    messages.push({ role: dialect.systemRole, content: textContent(system, dialect, lose) })
  const turns = anthropicTurns(body.messages)
  for (const turn of turns) {
    if (turn.role === 'assistant') messages.push(...assistantMessages(turn, dialect, lose))
    else if (turn.role === 'user') messages.push(...userMessages(turn, dialect, lose))
    else messages.push(...midSystemMessages(turn, messages.length === 0, dialect, lose))
  }
  if (turns.at(-1)?.role === 'assistant' && !dialect.prefill) lose('prefill')
  return messages
}

function midSystemMessages(turn: Turn, isFirst: boolean, dialect: ChatDialect, lose: Lose): JsonObject[] {
  if (turn.blocks.length === 0) return []
  const content = textContent(turn.blocks, dialect, lose)
  if (dialect.midSystem || isFirst) return [{ role: dialect.systemRole, content }]
  lose('system_messages')
  return [{ role: 'user', content }]
}

/**
 * All results directly follow the calls that they answer, before anything else the user says; their images, which
 * a result cannot hold here, come after them.
 */
function userMessages(turn: Turn, dialect: ChatDialect, lose: Lose): JsonObject[] {
  const results: JsonObject[] = []
  const shown: JsonObject[] = []
  const said: JsonObject[] = []
  for (const block of turn.blocks) {
    if (block.type !== 'tool_result') said.push(...userParts(block, dialect, lose))
    else {
      const { message, images } = resultMessage(block, dialect, lose)
      results.push(message)
      shown.push(...images)
    }
  }
  const parts = [...shown, ...said]
  if (parts.length === 0) return results
  return [...results, { role: 'user', content: partsContent(parts, dialect) }]
}

function resultMessage(
  block: JsonObject,
  dialect: ChatDialect,
  lose: Lose,
): { message: JsonObject; images: JsonObject[] } {
  const id = toolIdFor(dialect.toolIds, stringField(block, 'tool_use_id') ?? '')
  noteCacheControl(block, dialect, lose)
  const texts: string[] = []
  const images: JsonObject[] = []
  for (const inner of blocksOf(block.content)) {
    if (inner.type === 'text') texts.push(stringField(inner, 'text') ?? '')
    else if (inner.type === 'search_result') texts.push(searchResultText(inner))
    else {
      const parts = userParts(inner, dialect, lose)
      images.push(...parts.filter((part) => part.type !== 'text'))
      texts.push(...parts.flatMap((part) => (typeof part.text === 'string' ? [part.text] : [])))
      if (parts.some((part) => part.type !== 'text')) texts.push('[see the next message]')
    }
  }
  if (images.length > 0) images.unshift({ type: 'text', text: `From the result of tool call ${id}:` })
  const content = (block.is_error === true ? 'Error: ' : '') + texts.join('\n')
  return { message: { role: 'tool', tool_call_id: id, content }, images }
}

function searchResultText(block: JsonObject): string {
  const texts = blocksOf(block.content).map((inner) => stringField(inner, 'text') ?? '')
  return [stringField(block, 'title'), stringField(block, 'source'), ...texts].filter(Boolean).join('\n')
}

/** A block of the user's as parts of a message. What has no place is named in a text, so that the model knows of it. */
function userParts(block: JsonObject, dialect: ChatDialect, lose: Lose): JsonObject[] {
  switch (block.type) {
    case 'text':
      if (Array.isArray(block.citations) && block.citations.length > 0) lose('citations')
      return [defined({ type: 'text', text: block.text, cache_control: cacheControl(block, dialect, lose) })]
    case 'image':
      noteCacheControl(block, dialect, lose)
      return [imagePart(block, dialect, lose)]
    case 'document':
      noteCacheControl(block, dialect, lose)
      return documentParts(block, dialect, lose)
    case 'search_result':
      return [{ type: 'text', text: searchResultText(block) }]
    default:
      lose('server_tools')
      return []
  }
}

function imagePart(block: JsonObject, dialect: ChatDialect, lose: Lose): JsonObject {
  const source = (block.source ?? {}) as JsonObject
  if (source.type === 'base64') {
    const url = `data:${textOf(source.media_type)};base64,${textOf(source.data)}`
    return { type: 'image_url', image_url: { url } }
  }
  if (source.type === 'url' && dialect.imageUrls) return { type: 'image_url', image_url: { url: source.url } }
  lose('images')
  return { type: 'text', text: '[an image that could not be passed on]' }
}

function documentParts(block: JsonObject, dialect: ChatDialect, lose: Lose): JsonObject[] {
  const source = (block.source ?? {}) as JsonObject
  const title = stringField(block, 'title')
  if (source.type === 'text') {
    const text = stringField(source, 'data') ?? ''
    return [{ type: 'text', text: title === undefined ? text : `${title}\n${text}` }]
  }
  if (source.type === 'content') {
    return blocksOf(source.content).flatMap((inner) => userParts(inner, dialect, lose))
  }
  if (source.type === 'base64' && dialect.files) {
    const file_data = `data:${textOf(source.media_type)};base64,${textOf(source.data)}`
    return [{ type: 'file', file: { filename: title ?? 'document.pdf', file_data } }]
  }
  lose('documents')
  const named = title === undefined ? '' : ` (${title})`
  return [{ type: 'text', text: `[a document${named} that could not be passed on]` }]
}

function assistantMessages(turn: Turn, dialect: ChatDialect, lose: Lose): JsonObject[] {
  const texts: JsonObject[] = []
  const calls: JsonObject[] = []
  const reasoning: JsonObject[] = []
  const thoughts: string[] = []
  for (const block of turn.blocks) {
    switch (block.type) {
      case 'text':
        if (Array.isArray(block.citations) && block.citations.length > 0) lose('citations')
        texts.push(block)
        break
      case 'tool_use':
        noteCacheControl(block, dialect, lose)
        calls.push(toolCall(block, dialect))
        break
      case 'thinking':
      case 'redacted_thinking': {
        const details = dialect.reasoning === 'openrouter' ? carriedDetails(block) : []
        const isTakenBack = dialect.reasoning === 'deepseek' && isSpillwaySigned(block)
        if (isTakenBack) thoughts.push(textOf(block.thinking))
        else if (details.length === 0) lose('thinking')
        reasoning.push(...details)
        break
      }
      case 'document':
        texts.push(...documentParts(block, { ...dialect, files: false }, lose))
        break
      default:
        lose('server_tools')
    }
  }
  if (texts.length === 0 && calls.length === 0) return []
  const text = texts.map((block) => stringField(block, 'text') ?? '').join('')
  // The text is one string, on which no hint can hang.
  if (texts.some(({ cache_control }) => cache_control != null)) lose('cache_control')
  return [
    {
      role: 'assistant',
      content: texts.length > 0 ? text : dialect.noContent,
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
      ...(reasoning.length > 0 ? { reasoning_details: reasoning } : {}),
      // Refused without it, even where another model has made the calls.
      ...(dialect.reasoning === 'deepseek' && calls.length > 0
        ? { reasoning_content: thoughts.join('') }
        : {}),
    },
  ]
}

function toolCall({ id, name, input }: JsonObject, dialect: ChatDialect): JsonObject {
  const text = typeof input === 'string' ? input : writeJson(input ?? {})
  return {
    id: toolIdFor(dialect.toolIds, textOf(id)),
    type: 'function',
    function: { name: toolNameFor('openai', textOf(name)), arguments: text === '' ? '{}' : text },
  }
}

/** Text blocks as content: one string, or parts where something hangs on a block. */
function textContent(blocks: readonly JsonObject[], dialect: ChatDialect, lose: Lose): string | JsonObject[] {
  const parts = blocks.map((block) =>
    defined({ type: 'text', text: block.text, cache_control: cacheControl(block, dialect, lose) }),
  )
  return partsContent(parts, dialect)
}

function partsContent(parts: readonly JsonObject[], dialect: ChatDialect): string | JsonObject[] {
  const isPlain = parts.every((part) => part.type === 'text' && part.cache_control === undefined)
  if (isPlain && (dialect.text === 'string' || parts.length === 1)) {
    return parts.map((part) => textOf(part.text)).join('\n')
  }
  return [...parts]
}

function cacheControl(block: JsonObject, dialect: ChatDialect, lose: Lose): unknown {
  if (block.cache_control == null) return undefined
  if (dialect.cacheControl) return block.cache_control
  lose('cache_control')
  return undefined
}

/** A hint on a block whose counterpart has no place for one. */
function noteCacheControl(block: JsonObject, dialect: ChatDialect, lose: Lose): void {
  if (block.cache_control != null && !(dialect.cacheControl && block.type === 'text')) lose('cache_control')
}
