import type { JsonObject } from '@spillway/middleware/kit'
import { textOf } from './json/values.ts'
import { leastTokens } from './least-tokens.ts'
import { tokensFromBytes } from './usage.ts'

/** What an image costs at Claude, roughly, once it has been scaled down; other vendors are of the same order. */
export const imageTokens = 1600

/** Base64 characters of a document for each token; a page of a PDF has some 2,000 tokens and 60 kB. */
export const documentCharactersPerToken = 40

/** What roles and borders of a message or a block cost. */
const overhead = 4

/** Fields of a request that are part of its prompt, in any protocol. */
const promptFields = [
  ...['system', 'messages', 'tools', 'response_format', 'output_config'],
  // Of OpenAI Responses.
  ...['instructions', 'input', 'text'],
] as const

/**
 * Roughly how many tokens the prompt of a request has, in either protocol: text by its length in UTF-8, media by what they
 * usually cost. No tokenizer is asked, so it is a guess within about a third; it errs to the high side.
 */
export function estimatePromptTokens(body: JsonObject): number {
  let tokens = 0
  for (const name of promptFields) tokens += tokensOf(body[name], '')
  return Math.max(1, Math.ceil(tokens))
}

/** Characters that are looked at for {@link leastPromptTokens}: there are as many tokens in them as any model takes. */
const mostCharacters = 8_000_000

/**
 * How many tokens the prompt of a request has at least, in either protocol and by whatever tokenizer: its words, numbers and
 * signs, and nothing for media, which may be tiny. For prose some 85 % of what it has.
 * @param enough beyond so many it is not counted further
 */
export function leastPromptTokens(body: JsonObject, enough: number): number {
  let tokens = 0
  let characters = 0
  const add = (value: unknown, name: string): void => {
    if (tokens >= enough || characters >= mostCharacters) return
    if (typeof value === 'string') {
      if (isNoText(name) || isEncoded(value, name)) return
      const text = value.length > mostCharacters ? value.slice(0, mostCharacters) : value
      characters += text.length
      tokens += leastTokens(text, enough - tokens)
    } else if (Array.isArray(value)) {
      for (const each of value) add(each, '')
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, each] of Object.entries(value)) add(each, key)
    }
  }
  for (const name of promptFields) add(body[name], '')
  return Math.floor(tokens)
}

const image = Buffer.from('image')

/**
 * Whether the prompt of a body of these bytes has no more tokens than so many, by {@link estimatePromptTokens}; false
 * where that takes a closer look. Most tokens for its bytes has an image by reference, and else a digit in a list.
 */
export function isSurelyWithin(bytes: Uint8Array, tokens: number): boolean {
  if (bytes.length * 100 <= tokens) return true
  if (bytes.length * 2.5 > tokens) return false
  return !Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(image)
}

function tokensOf(value: unknown, name: string): number {
  if (typeof value === 'string') return textTokens(value, name)
  if (typeof value === 'number' || typeof value === 'boolean') return 1
  if (typeof value !== 'object' || value === null) return 0
  if (Array.isArray(value)) return value.reduce((sum: number, each) => sum + overhead + tokensOf(each, ''), 0)
  const { type, source } = value as JsonObject
  if (type === 'image' || type === 'image_url' || type === 'input_image') return imageTokens
  if (type === 'document' && (source as JsonObject | undefined)?.type === 'base64') {
    return textOf((source as JsonObject).data).length / documentCharactersPerToken
  }
  let sum = 0
  for (const [key, each] of Object.entries(value)) sum += tokensOf(each, key)
  return sum
}

/** Signatures and redacted thoughts are long and count for little; data of a file counts as a document. */
function textTokens(text: string, name: string): number {
  if (isNoText(name)) return 0
  if (isEncoded(text, name)) return text.length / documentCharactersPerToken
  return tokensFromBytes(Buffer.byteLength(text))
}

function isNoText(name: string): boolean {
  return name === 'signature' || name === 'media_type' || name === 'type' || name === 'role'
}

function isEncoded(text: string, name: string): boolean {
  if (name === 'url') return text.startsWith('data:')
  return (name === 'file_data' || name === 'data') && /^(?:data:|[A-Za-z0-9+/]{200})/.test(text)
}
