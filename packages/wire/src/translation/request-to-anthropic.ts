import type { JsonObject } from '@spillway/middleware'
import { type ModelCapabilities, modelCapabilities } from '../fit/capabilities.ts'
import { acceptsTemperature } from '../model-capabilities.ts'
import { field, stringField } from '../usage.ts'
import { defined, isObject, numberOf, objectsOf, textOf } from './json.ts'
import { type Loss, mergeLosses } from './loss.ts'
import { messagesConversation } from './messages-turns.ts'
import type { TranslatedRequest } from './request-to-openai.ts'
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
   * @default whether the model is a Claude 5
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
  const midSystem = options.midSystem ?? /claude-[a-z]+-[5-9]/.test(model)
  const { system, messages } = messagesConversation(body.messages, midSystem, lose)
  const max_tokens =
    body.max_completion_tokens ?? body.max_tokens ?? options.maxTokens ?? defaultMaxTokens(known)
  const tools = messagesTools(body, lose)
  for (const [name, loss, isHarmless] of lostFields) {
    if (body[name] != null && !isHarmless(body[name])) lose(loss)
  }
  if (Object.keys(body).some((name) => !handled.has(name) && body[name] != null)) lose('unknown_fields')
  const translated = defined({
    model: body.model,
    max_tokens,
    system: system.length === 0 ? undefined : systemPrompt(system),
    messages,
    ...tools.fields,
    ...sampling(body, model, options.apiVersion, lose),
    ...thinking(body, known, numberOf(max_tokens), messages, lose),
    stop_sequences: stopSequences(body.stop, lose),
    metadata: metadata(body),
    service_tier: serviceTier(body.service_tier, lose),
    cache_control: body.cache_control ?? undefined,
    stream: body.stream === true ? true : undefined,
  })
  return { body: translated, degraded: mergeLosses([...lost]), toolNames: tools.names }
}

function defaultMaxTokens({ maxOutputTokens, signedThinking }: ModelCapabilities): number {
  return signedThinking ? Math.min(32_000, maxOutputTokens ?? 32_000) : 8192
}

function systemPrompt(blocks: readonly JsonObject[]): unknown {
  const [only] = blocks
  return blocks.length === 1 && only?.cache_control === undefined ? only?.text : blocks
}

function messagesTools(body: JsonObject, lose: Lose): { fields: JsonObject; names: ToolNames } {
  const all = objectsOf(body.tools)
  const functions = all.filter((tool) => isObject(tool.function))
  if (functions.length < all.length) lose('custom_tools')
  const names = functions.map((tool) => textOf(field(tool.function, 'name')))
  const tools = functions.map((tool) => messagesTool(tool))
  const fields = tools.length === 0 ? {} : defined({ tools, tool_choice: toolChoice(body, names, lose) })
  return { fields, names: changedToolNames('anthropic', names) }
}

function messagesTool(tool: JsonObject): JsonObject {
  const fn = tool.function as JsonObject
  const schema = isObject(fn.parameters) ? fn.parameters : {}
  return defined({
    name: toolNameFor('anthropic', textOf(fn.name)),
    description: fn.description ?? undefined,
    input_schema: { type: 'object', ...schema },
    strict: fn.strict === true ? true : undefined,
    cache_control: tool.cache_control ?? undefined,
  })
}

function toolChoice(body: JsonObject, names: readonly string[], lose: Lose): JsonObject | undefined {
  const { tool_choice: choice, parallel_tool_calls: parallel } = body
  const one = parallel === false ? { disable_parallel_tool_use: true } : {}
  if (choice === 'none') return { type: 'none' }
  if (choice === 'required') return { type: 'any', ...one }
  const name = stringField(field(choice, 'function'), 'name')
  if (name !== undefined && names.includes(name)) {
    return { type: 'tool', name: toolNameFor('anthropic', name), ...one }
  }
  if (choice != null && choice !== 'auto') lose('tool_choice')
  return choice != null || parallel === false ? { type: 'auto', ...one } : undefined
}

/** Sampling parameters where the model takes them. Here temperatures end at 1. */
function sampling(body: JsonObject, model: string, version: string | undefined, lose: Lose): JsonObject {
  const { temperature, top_p, top_k } = body
  if (!acceptsTemperature(model, version)) {
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

const budgets: Readonly<Record<string, number | undefined>> = {
  minimal: 1024,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 32_768,
}

/** How hard to think, and the form of the answer, which share a field. */
function thinking(
  body: JsonObject,
  model: ModelCapabilities,
  maxTokens: number,
  messages: readonly JsonObject[],
  lose: Lose,
): JsonObject {
  const format = outputFormat(body.response_format, lose)
  const asked = isObject(body.reasoning) ? body.reasoning : {}
  const effort = stringField(body, 'reasoning_effort') ?? stringField(asked, 'effort')
  const budget = field(asked, 'max_tokens') ?? budgets[effort ?? '']
  const output = (more: JsonObject = {}): JsonObject => {
    const config = defined({ ...more, format })
    return Object.keys(config).length === 0 ? {} : { output_config: config }
  }
  if (effort === 'none' || asked.enabled === false) {
    const canBeOff = model.thinking === undefined ? model.signedThinking : model.thinking.includes('disabled')
    if (!canBeOff) lose('effort')
    return { ...output(), ...(canBeOff ? { thinking: { type: 'disabled' } } : {}) }
  }
  if (effort === undefined && budget === undefined && asked.enabled !== true) return output()
  if (model.thinking?.includes('enabled')) {
    const tokens = Math.min(numberOf(budget ?? budgets.medium), maxTokens - 1)
    if (tokens >= 1024 && thoughtsAreThere(messages) && !isForced(body.tool_choice)) {
      return { ...output(), thinking: { type: 'enabled', budget_tokens: Math.max(1024, tokens) } }
    }
    lose('thinking')
    return output()
  }
  if (!model.signedThinking) {
    lose('effort')
    return output()
  }
  if (effort === undefined || effort === 'minimal' || asked.max_tokens !== undefined) lose('effort')
  const level = effort === undefined ? undefined : effort === 'minimal' ? 'low' : effort
  return { ...output({ effort: level }), thinking: { type: 'adaptive' } }
}

/** A budget cannot be set in the middle of a tool loop that began without thinking. */
function thoughtsAreThere(messages: readonly JsonObject[]): boolean {
  const last = messages.at(-1)
  if (!objectsOf(last?.content).some(({ type }) => type === 'tool_result')) return true
  const answer = messages.findLast(({ role }) => role === 'assistant')
  const first = objectsOf(answer?.content)[0]?.type
  return first === 'thinking' || first === 'redacted_thinking'
}

function isForced(choice: unknown): boolean {
  return choice === 'required' || isObject(choice)
}

function outputFormat(format: unknown, lose: Lose): JsonObject | undefined {
  const type = field(format, 'type')
  if (type === 'json_schema') {
    return { type, schema: field(field(format, 'json_schema'), 'schema') ?? { type: 'object' } }
  }
  if (type !== undefined && type !== 'text') lose('structured_output')
  return undefined
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
