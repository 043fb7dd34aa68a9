import type { JsonObject } from '@spillway/middleware/kit'
import {
  acceptsTemperature,
  field,
  isObject,
  numberOf,
  objectsOf,
  prependFields,
  stringField,
  textOf,
} from '@spillway/wire/internal'
import { type ModelCapabilities, modelCapabilities } from '../fit/capabilities.ts'
import { goOn } from '../fit/go-on.ts'
import { blocksOf, defined } from './json.ts'
import { type Loss, mergeLosses } from './loss.ts'
import { isForced, isThinking, thinking } from './messages-thinking.ts'
import { messagesConversation } from './messages-turns.ts'
import type { TranslatedRequest } from './request-to-openai.ts'
import { claudeSchema } from './schemas.ts'
import { changedToolNames, type ToolNames, toolNameFor } from './tool-names.ts'

/** What the server that a chat request is translated for is known to want. */
export interface MessagesOptions {
  /** The `anthropic-version` of the request; from `2026-10-21` on no model takes sampling parameters. */
  readonly apiVersion?: string
  /**
   * The limit of an answer whose caller has set none, which Anthropic insists on; no more than the model can.
   * @default 32000, or 8192 for models that are not known
   */
  readonly maxTokens?: number
  /**
   * Whether instructions may come between turns.
   * @default what is known of the model
   */
  readonly midSystem?: boolean
}

type Lose = (loss: Loss) => void

/** Fields that change nothing where they have their default, and the loss where they have not. */
const lostFields: readonly (readonly [name: string, loss: Loss, harmless: (value: unknown) => boolean])[] = [
  ['n', 'choices', (value) => value === 1],
  ['frequency_penalty', 'penalties', (value) => value === 0],
  ['presence_penalty', 'penalties', (value) => value === 0],
  ['logit_bias', 'penalties', (value) => isObject(value) && Object.keys(value).length === 0],
  ['logprobs', 'logprobs', (value) => value === false],
  ['top_logprobs', 'logprobs', (value) => value === 0],
  ['seed', 'seed', () => false],
  ['audio', 'audio', () => false],
  ['web_search_options', 'server_tools', () => false],
  ['verbosity', 'unknown_fields', (value) => value === 'medium'],
  ['functions', 'unknown_fields', () => false],
]

const handled: ReadonlySet<string> = new Set([
  ...lostFields.map(([name]) => name),
  'model',
  'messages',
  'max_tokens',
  'max_completion_tokens',
  'stream',
  'stream_options',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'temperature',
  'top_p',
  'top_k',
  'stop',
  'user',
  'safety_identifier',
  'response_format',
  'reasoning_effort',
  'reasoning',
  'service_tier',
  'cache_control',
  'modalities',
  'metadata',
  'store',
  'prompt_cache_key',
  'prompt_cache_retention',
  'prediction',
])

/** Translates the body of a chat request for a server that speaks Messages. The given body is not changed. */
export function requestToAnthropic(body: JsonObject, options: MessagesOptions = {}): TranslatedRequest {
  const lost = new Set<Loss>()
  const lose = (loss: Loss): void => void lost.add(loss)
  const model = stringField(body, 'model') ?? ''
  const known = modelCapabilities(model)
  const { system, messages } = messagesConversation(body.messages, options.midSystem ?? known.midSystem, lose)
  const max_tokens =
    body.max_completion_tokens ?? body.max_tokens ?? options.maxTokens ?? defaultMaxTokens(known)
  const tools = messagesTools(body, known, lose)
  for (const [name, loss, isHarmless] of lostFields) {
    if (body[name] != null && !isHarmless(body[name])) lose(loss)
  }
  if (Object.keys(body).some((name) => !handled.has(name) && body[name] != null)) lose('unknown_fields')
  const thoughts = thinking(
    body,
    known,
    numberOf(max_tokens),
    messages,
    isForced(tools.fields.tool_choice),
    lose,
  )
  const translated = defined({
    model: body.model,
    max_tokens,
    system: system.length === 0 ? undefined : systemPrompt(system),
    messages: withoutPrefill(messages, known, lose),
    ...tools.fields,
    ...sampling(body, acceptsTemperature(model, options.apiVersion) && !isThinking(thoughts), lose),
    ...thoughts,
    stop_sequences: stopSequences(body.stop, lose),
    metadata: metadata(body),
    service_tier: serviceTier(body.service_tier, lose),
    cache_control: body.cache_control ?? undefined,
    stream: body.stream === true ? true : undefined,
  })
  return { body: translated, degraded: mergeLosses([...lost]), toolNames: tools.names }
}

/** Most Claude models do not go on from a last turn of the assistant's; those that do refuse white space at its end. */
function withoutPrefill(
  messages: readonly JsonObject[],
  model: ModelCapabilities,
  lose: Lose,
): readonly JsonObject[] {
  const last = messages.at(-1)
  if (last?.role !== 'assistant') return messages
  const blocks = blocksOf(last.content)
  const end = blocks.at(-1)
  // Calls wait for their results.
  if (end?.type !== 'text') return messages
  if (!model.prefill) {
    lose('prefill')
    return [...messages, { role: 'user', content: goOn }]
  }
  const content = [...blocks.slice(0, -1), { ...end, text: textOf(end.text).trimEnd() }]
  return [...messages.slice(0, -1), { ...last, content }]
}

function defaultMaxTokens({ maxOutputTokens, signedThinking }: ModelCapabilities): number {
  return signedThinking ? Math.min(32_000, maxOutputTokens ?? 32_000) : 8192
}

function systemPrompt(blocks: readonly JsonObject[]): unknown {
  const [only] = blocks
  return blocks.length === 1 && only?.cache_control === undefined ? only?.text : blocks
}

function messagesTools(
  body: JsonObject,
  model: ModelCapabilities,
  lose: Lose,
): { fields: JsonObject; names: ToolNames } {
  const all = objectsOf(body.tools)
  const functions = all.filter((tool) => isObject(tool.function))
  if (functions.length < all.length) lose('custom_tools')
  const names = functions.map((tool) => textOf(field(tool.function, 'name')))
  const tools = functions.map((tool) => messagesTool(tool, lose))
  const fields =
    tools.length === 0 ? {} : defined({ tools, tool_choice: toolChoice(body, names, model, lose) })
  return { fields, names: changedToolNames('anthropic', names) }
}

function messagesTool(tool: JsonObject, lose: Lose): JsonObject {
  const fn = tool.function as JsonObject
  const schema = isObject(fn.parameters) ? fn.parameters : {}
  return defined({
    name: toolNameFor('anthropic', textOf(fn.name)),
    description: fn.description ?? undefined,
    input_schema: fn.strict === true ? strictInput(schema, lose) : withType(schema),
    strict: fn.strict === true ? true : undefined,
    cache_control: tool.cache_control ?? undefined,
  })
}

function withType(schema: JsonObject): JsonObject {
  return prependFields(schema, Object.hasOwn(schema, 'type') ? {} : { type: 'object' })
}

/** What a strict tool takes, as far as Claude can be kept to it. */
function strictInput(schema: JsonObject, lose: Lose): unknown {
  return claudeSchema(withType(schema), () => lose('structured_output'))
}

function toolChoice(
  body: JsonObject,
  names: readonly string[],
  model: ModelCapabilities,
  lose: Lose,
): JsonObject | undefined {
  const { tool_choice: choice, parallel_tool_calls: parallel } = body
  const one = parallel === false ? { disable_parallel_tool_use: true } : {}
  if (choice === 'none') return { type: 'none' }
  if (choice != null && choice !== 'auto' && !model.forcedToolChoice) {
    lose('tool_choice')
    return { type: 'auto', ...one }
  }
  if (choice === 'required') return { type: 'any', ...one }
  const name = stringField(field(choice, 'function'), 'name')
  if (name !== undefined && names.includes(name)) {
    return { type: 'tool', name: toolNameFor('anthropic', name), ...one }
  }
  if (choice != null && choice !== 'auto') lose('tool_choice')
  return choice != null || parallel === false ? { type: 'auto', ...one } : undefined
}

/** Sampling parameters where the model takes them. Here temperatures end at 1. */
function sampling(body: JsonObject, isTaken: boolean, lose: Lose): JsonObject {
  const { temperature, top_p, top_k } = body
  if (!isTaken) {
    if (temperature != null && temperature !== 1) lose('temperature')
    if (top_p != null && top_p !== 1) lose('top_p')
    if (top_k != null) lose('top_k')
    return {}
  }
  const tooHot = typeof temperature === 'number' && temperature > 1
  if (tooHot) lose('temperature')
  if (temperature != null && top_p != null && top_p !== 1) lose('top_p')
  return {
    temperature: tooHot ? 1 : (temperature ?? undefined),
    // Models that take both refuse them together.
    top_p: temperature == null ? (top_p ?? undefined) : undefined,
    top_k: top_k ?? undefined,
  }
}

/** Anthropic refuses stop sequences of white space alone. */
function stopSequences(stop: unknown, lose: Lose): unknown {
  const all = typeof stop === 'string' ? [stop] : Array.isArray(stop) ? stop : []
  const taken = all.filter((each) => typeof each === 'string' && each.trim() !== '')
  if (taken.length < all.length) lose('stop_sequences')
  return taken.length === 0 ? undefined : taken
}

function metadata(body: JsonObject): unknown {
  const id = stringField(body, 'safety_identifier') ?? stringField(body, 'user')
  return id === undefined ? undefined : { user_id: id }
}

function serviceTier(tier: unknown, lose: Lose): unknown {
  if (tier == null || tier === 'auto') return undefined
  if (tier === 'default') return 'standard_only'
  lose('service_tier')
  return undefined
}
