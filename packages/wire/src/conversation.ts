import { type Api, fieldOf, type JsonBody, type ModelRequest, mix32 } from '@spillway/middleware'
import { openingMessages, type PromptFacts, promptFactsOf } from './prompt-facts.ts'
import { field, stringField } from './usage.ts'

/** Which conversation a call belongs to. */
export interface Conversation {
  /** The same for all turns of a conversation; short, and tells nothing of what was said. */
  readonly key: string
  /** Whether nothing has been answered yet, so that there is hardly a prompt cache to lose. */
  readonly isFirstTurn: boolean
}

/** How much of the beginning and of the end of each text goes into a key. */
const sampled = 256
/** How many content blocks of a message, and how many tools. */
const most = openingMessages

/** A request is asked several times on its way. */
const known = new WeakMap<JsonBody, Conversation | undefined>()

/**
 * Tells which conversation a call belongs to: by `context.session` where the caller names one, else by what all its
 * turns begin with: system prompt, tools, first user message. Texts count by length, beginning and end, so that it
 * takes microseconds whatever the size. Undefined for token counts and for bodies that make no sense.
 */
export function conversationOf(request: ModelRequest): Conversation | undefined {
  if (request.operation !== 'generate') return undefined
  const { context, body, api } = request
  if (context.session !== undefined) {
    return { key: hash(`${context.tenant ?? ''}\n${context.session}`), isFirstTurn: isFirstTurn(body) }
  }
  if (known.has(body)) return known.get(body)
  const prompt = readPrompt(body, api)
  known.set(body, prompt)
  return prompt
}

/** A number in [0, 1) that belongs to a key: for samples that take a conversation whole or not at all. */
export function hashFraction(key: string): number {
  return Number.parseInt(hash(key), 36) / 2 ** 53
}

/** Whether there is a question and nothing has been answered; false for a body that makes no sense. */
function isFirstTurn(body: JsonBody): boolean {
  const facts = promptFactsOf(body)
  if (facts !== undefined) return facts.hasMessages && !facts.hasAnswer
  try {
    const { messages, input } = body.json
    if (typeof input === 'string') return messages === undefined
    const turns = messages ?? input
    return Array.isArray(turns) && turns.length > 0 && !hasAnswer(turns)
  } catch {
    return false
  }
}

function readPrompt(body: JsonBody, api: Api): Conversation | undefined {
  try {
    if (api === 'responses') return readItems(body)
    const facts = promptFactsOf(body)
    const messages = facts === undefined ? body.json.messages : openingOf(body, facts)
    if (!Array.isArray(messages) || messages.length === 0) return undefined
    const key = keyOf(api, fieldOf(body, 'system'), fieldOf(body, 'tools'), messages)
    return { key, isFirstTurn: !(facts?.hasAnswer ?? hasAnswer(messages)) }
  } catch {
    return undefined
  }
}

/** Responses: the items up to the first message of the user's, and the instructions beside them. */
function readItems(body: JsonBody): Conversation | undefined {
  const { input, instructions, tools } = body.json
  const items = typeof input === 'string' ? [{ role: 'user', content: input }] : input
  if (!Array.isArray(items) || items.length === 0) return undefined
  return { key: keyOf('responses', instructions, tools, items), isFirstTurn: !hasAnswer(items) }
}

/** The first messages, parsed without the others. */
function openingOf({ bytes }: JsonBody, { opening }: PromptFacts): unknown {
  if (opening === undefined) return undefined
  const [start, end] = opening
  return JSON.parse(`${Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString()}]`)
}

/** Reasoning and calls of Responses are items beside the messages. */
function hasAnswer(messages: readonly unknown[]): boolean {
  return messages.some((message) => {
    const role = stringField(message, 'role')
    return (
      role === 'assistant' ||
      (role === undefined && /(?:_call|reasoning)$/.test(stringField(message, 'type') ?? ''))
    )
  })
}

function keyOf(api: Api, system: unknown, tools: unknown, messages: readonly unknown[]): string {
  let prefix = `${api}${textOf(system)}`
  if (Array.isArray(tools)) {
    prefix += `\n${tools.length}`
    for (const tool of tools.slice(0, most)) {
      prefix += `\n${stringField(tool, 'name') ?? stringField(field(tool, 'function'), 'name')}`
    }
  }
  // The first messages up to the user's: in the protocol of OpenAI the system prompt is one of them.
  for (const message of messages.slice(0, most)) {
    const role = stringField(message, 'role')
    if (role === 'assistant') break
    prefix += `\n${role}${textOf(field(message, 'content'))}`
    if (role === 'user') break
  }
  return hash(prefix)
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return sample(content)
  if (!Array.isArray(content)) return ''
  let text = ''
  for (const block of content.slice(0, most)) {
    text += sample(stringField(block, 'text') ?? stringField(block, 'type') ?? '')
  }
  return text
}

function sample(text: string): string {
  if (text.length <= 2 * sampled) return `\n${text}`
  return `\n${text.length} ${text.slice(0, sampled)}${text.slice(-sampled)}`
}

/** 53 bits in base 36: two rounds of multiply and xor over the text, mixed as in MurmurHash3. Not for secrets. */
function hash(text: string): string {
  let low = 0x9e3779b9
  let high = 0x85ebca6b
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    low = Math.imul(low ^ code, 0x9e3779b1)
    high = Math.imul(high ^ code, 0x5f356495)
  }
  low = mix32(low ^ high)
  high = mix32(high ^ low)
  return ((high >>> 11) * 2 ** 32 + low).toString(36)
}
