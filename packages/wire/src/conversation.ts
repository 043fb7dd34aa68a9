import type { Api, ModelRequest } from '@spillway/middleware'
import { type JsonBody, mix32, peekBytes } from '@spillway/middleware/kit'
import type { PromptOpening } from './outline/opening-outline.ts'
import { sampleAt, sampleOf, type TextSpan, textAt } from './outline/text-span.ts'
import type { TurnsOutline } from './outline/turns-outline.ts'
import { openingMessages, scanOf } from './prompt-facts.ts'
import { field, stringField } from './usage.ts'

/** Which conversation a call belongs to. */
export interface Conversation {
  /** The same for all turns of a conversation; short, and tells nothing of what was said. */
  readonly key: string
  /** Whether nothing has been answered yet, so that there is hardly a prompt cache to lose. */
  readonly isFirstTurn: boolean
}

/** How many content blocks of a message, and how many tools. */
const most = openingMessages

/**
 * A request is asked several times on its way. What was found is kept with its body, for speed: an entry of a WeakMap takes a microsecond, and
 * as much again of the collector.
 */
const found = Symbol('conversation')

/** null where there is none. */
type Known = JsonBody & { [found]?: Conversation | null }

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
  const known = (body as Known)[found]
  if (known !== undefined) return known ?? undefined
  const prompt = readPrompt(body, api)
  if (Object.isExtensible(body)) (body as Known)[found] = prompt ?? null
  return prompt
}

/** A number in [0, 1) that belongs to a key: for samples that take a conversation whole or not at all. */
export function hashFraction(key: string): number {
  const [high, low] = hashed(key)
  return ((high >>> 11) * 2 ** 32 + low) / 2 ** 53
}

/** Whether there is a question and nothing has been answered; false for a body that makes no sense. */
function isFirstTurn(body: JsonBody): boolean {
  const opening = scanOf(body)?.opening
  try {
    if (opening !== undefined) {
      const { messages, input } = opening
      if (input?.text !== undefined) return messages === undefined
      const turns = messages ?? input
      return turns !== undefined && turns.count > 0 && !isAnswered(asBuffer(body), turns)
    }
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
    const opening = scanOf(body)?.opening
    const read = opening && readScanned(asBuffer(body), api, opening)
    return read === undefined ? readParsed(body, api) : (read ?? undefined)
  } catch {
    return undefined
  }
}

/** By places in its bytes. @returns null where there is no conversation, undefined where it takes a parser to tell */
function readScanned(body: Buffer, api: Api, opening: PromptOpening): Conversation | null | undefined {
  const isResponses = api === 'responses'
  const turns = isResponses ? opening.input : opening.messages
  const isText = isResponses && turns?.text !== undefined
  if (turns === undefined || (turns.count === 0 && !isText)) return null
  const texts = (spans: readonly (TextSpan | undefined)[] = []): string | undefined => {
    let all = ''
    for (const span of spans) {
      const text = span === undefined ? '\n' : sampleAt(body, span)
      if (text === undefined) return undefined
      all += text
    }
    return all
  }
  const system = texts((isResponses ? opening.instructions : opening.system)?.texts)
  if (system === undefined) return undefined
  let prefix = `${api}${system}`
  const { tools } = opening
  if (tools?.isList) {
    prefix += `\n${tools.count}`
    for (const name of tools.names) {
      const sample = nameAt(body, name)
      if (sample === undefined) return undefined
      prefix += sample
    }
  }
  const first = isText ? [{ role: undefined, texts: [turns.text] }] : turns.opening
  for (const { role, texts: spans } of first) {
    const content = texts(spans)
    if (content === undefined) return undefined
    const sample = isText ? sampleOf('user') : nameAt(body, role)
    if (sample === undefined) return undefined
    prefix += sample + content
  }
  return { key: hash(prefix), isFirstTurn: isText || !isAnswered(body, turns) }
}

/** Of a name that may be missing, and may be of any length. */
const nameSample = (name: string | undefined): string => (name === undefined ? '\nundefined' : sampleOf(name))

const nameAt = (body: Buffer, name: TextSpan | undefined): string | undefined =>
  name === undefined ? nameSample(undefined) : sampleAt(body, name)

function isAnswered(body: Buffer, { hasAssistant, kinds }: TurnsOutline): boolean {
  return hasAssistant || kinds.some(({ start, end }) => isAnswersKind(textAt(body, start, end)))
}

function readParsed(body: JsonBody, api: Api): Conversation | undefined {
  if (api === 'responses') return readItems(body)
  const { messages, system, tools } = body.json
  if (!Array.isArray(messages) || messages.length === 0) return undefined
  return { key: keyOf(api, system, tools, messages), isFirstTurn: !hasAnswer(messages) }
}

/** Responses: the items up to the first message of the user's, and the instructions beside them. */
function readItems(body: JsonBody): Conversation | undefined {
  const { input, instructions, tools } = body.json
  const items = typeof input === 'string' ? [{ role: 'user', content: input }] : input
  if (!Array.isArray(items) || items.length === 0) return undefined
  return { key: keyOf('responses', instructions, tools, items), isFirstTurn: !hasAnswer(items) }
}

/** Reasoning and calls of Responses are items beside the messages. */
function hasAnswer(messages: readonly unknown[]): boolean {
  return messages.some((message) => {
    const role = stringField(message, 'role')
    return role === 'assistant' || (role === undefined && isAnswersKind(stringField(message, 'type') ?? ''))
  })
}

/** What a model has written beside messages. */
const isAnswersKind = (type: string): boolean => type.endsWith('_call') || type.endsWith('reasoning')

/** None of its readers keeps it. */
function asBuffer(body: JsonBody): Buffer {
  const bytes = peekBytes(body)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

function keyOf(api: Api, system: unknown, tools: unknown, messages: readonly unknown[]): string {
  let prefix = `${api}${textOf(system)}`
  if (Array.isArray(tools)) {
    prefix += `\n${tools.length}`
    for (const tool of tools.slice(0, most)) {
      prefix += nameSample(stringField(tool, 'name') ?? stringField(field(tool, 'function'), 'name'))
    }
  }
  // The first messages up to the user's: in the protocol of OpenAI the system prompt is one of them.
  for (const message of messages.slice(0, most)) {
    const role = stringField(message, 'role')
    if (role === 'assistant') break
    prefix += nameSample(role) + textOf(field(message, 'content'))
    if (role === 'user') break
  }
  return hash(prefix)
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return sampleOf(content)
  if (!Array.isArray(content)) return ''
  let text = ''
  for (const block of content.slice(0, most)) {
    text += sampleOf(stringField(block, 'text') ?? stringField(block, 'type') ?? '')
  }
  return text
}

/** 56 bits as text, in two numbers that V8 holds without an object: those are written ten times as fast. */
function hash(text: string): string {
  const [high, low] = hashed(text)
  return `${(high >>> 7).toString(36)}${(low >>> 1).toString(36)}`
}

/** Twice 32 bits: two rounds of multiply and xor over the text, mixed as in MurmurHash3. Not for secrets. */
function hashed(text: string): readonly [high: number, low: number] {
  let low = 0x9e3779b9
  let high = 0x85ebca6b
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    low = Math.imul(low ^ code, 0x9e3779b1)
    high = Math.imul(high ^ code, 0x5f356495)
  }
  low = mix32(low ^ high)
  high = mix32(high ^ low)
  return [high, low]
}
