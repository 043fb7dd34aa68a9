import type { JsonObject } from '@spillway/middleware/kit'
import {
  acceptsTemperature,
  field,
  isObject,
  isOpenAiNonReasoningModel,
  isOpenAiReasoningModel,
  stringField,
} from '@spillway/wire/internal'
import { chatMessages } from './chat-messages.ts'
import { chatTools } from './chat-tools.ts'
import { type ChatDialect, type ChatDialectName, chatDialects } from './dialect.ts'
import { defined } from './json.ts'
import { type Loss, mergeLosses } from './loss.ts'
import { isThinking } from './messages-thinking.ts'
import { isStrictSchema } from './schemas.ts'
import { type ToolNames, userIdWithin } from './tool-names.ts'

/** A request in another protocol. */
export interface TranslatedRequest {
  readonly body: JsonObject
  /** What got lost; empty when nothing did. */
  readonly degraded: readonly Loss[]
  /** Tools that have another name in the translated request; the answer needs it to call them by their own. */
  readonly toolNames: ToolNames
}

/** What has a counterpart, or nothing to lose. */
const handled: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'system',
  'max_tokens',
  'stream',
  'tools',
  'tool_choice',
  'thinking',
  'output_config',
  'output_format',
  'metadata',
  'service_tier',
  'cache_control',
  'stop_sequences',
  'temperature',
  'top_p',
  'top_k',
  'mcp_servers',
  'diagnostics',
])

/**
 * Translates the body of a Messages request for a server that speaks chat completions. The given body is not changed.
 * @param dialect what the server takes; a name or one of your own
 */
export function requestToOpenAi(
  body: JsonObject,
  dialect: ChatDialectName | ChatDialect = 'openai',
): TranslatedRequest {
  const chat = typeof dialect === 'string' ? chatDialects[dialect] : dialect
  const lost = new Set<Loss>()
  const lose = (loss: Loss): void => void lost.add(loss)
  const tools = chatTools(body, chat, lose)
  const messages = chatMessages(body, chat, lose)
  if (Array.isArray(body.mcp_servers) && body.mcp_servers.length > 0) lose('server_tools')
  if (body.cache_control != null) lose('cache_control')
  if (Object.keys(body).some((name) => !handled.has(name) && body[name] != null)) lose('unknown_fields')
  const translated = defined({
    model: body.model,
    messages,
    [chat.maxTokens]: maxTokens(body.max_tokens, lose),
    ...tools.fields,
    ...sampling(body, chat, lose),
    ...reasoning(body, chat, lose),
    ...deepSeekChoice(body, tools.fields.tool_choice, chat, lose),
    response_format: responseFormat(body, chat, lose),
    stop: stops(body.stop_sequences, chat, lose),
    ...userId(body, chat, lose),
    service_tier: serviceTier(body.service_tier, chat, lose),
    ...(body.stream === true ? { stream: true } : {}),
    ...(body.stream === true && chat.streamOptions ? { stream_options: { include_usage: true } } : {}),
  })
  return { body: translated, degraded: mergeLosses([...lost]), toolNames: tools.names }
}

type Lose = (loss: Loss) => void

/** 0 only warms Anthropic's cache; here an answer has at least one token. */
function maxTokens(value: unknown, lose: Lose): unknown {
  if (value !== 0) return value
  lose('max_tokens')
  return 1
}

function sampling(body: JsonObject, dialect: ChatDialect, lose: Lose): JsonObject {
  const taken = acceptsTemperature(stringField(body, 'model') ?? '')
  const { temperature, top_p, top_k } = body
  if (!taken && temperature != null && temperature !== 1) lose('temperature')
  if (!taken && top_p != null && top_p !== 1) lose('top_p')
  if (top_k != null && !dialect.topK) lose('top_k')
  return {
    temperature: taken ? (temperature ?? undefined) : undefined,
    top_p: taken ? (top_p ?? undefined) : undefined,
    top_k: dialect.topK ? (top_k ?? undefined) : undefined,
  }
}

/** Models of OpenAI's that think, the open ones among them; the others refuse to be asked for it. */
function takesEffort(model: string): boolean {
  return isOpenAiReasoningModel(model) || model.toLowerCase().includes('gpt-oss')
}

function reasoning(body: JsonObject, dialect: ChatDialect, lose: Lose): JsonObject {
  const thinking = isObject(body.thinking) ? body.thinking : undefined
  const effort = stringField(body.output_config, 'effort')
  const budget = field(thinking, 'budget_tokens')
  const wanted = thinking !== undefined && thinking.type !== 'disabled'
  if (dialect.reasoning === 'openrouter') {
    // One of them at a time.
    if (effort !== undefined && (thinking?.type === 'disabled' || typeof budget === 'number')) lose('effort')
    if (thinking?.type === 'disabled') return { reasoning: { enabled: false } }
    if (typeof budget === 'number') return { reasoning: { max_tokens: budget } }
    if (effort !== undefined) return { reasoning: { effort: openAiEffort(effort, lose) } }
    return wanted ? { reasoning: { enabled: true } } : {}
  }
  if (dialect.reasoning === 'deepseek') return deepSeekReasoning(thinking, effort, lose)
  const model = stringField(body, 'model') ?? ''
  if (dialect.reasoning !== 'effort' || !takesEffort(model)) {
    const isOff = thinking?.type === 'disabled' && !isOpenAiNonReasoningModel(model)
    if (wanted || isOff) lose('thinking')
    if (effort !== undefined) lose('effort')
    return {}
  }
  if (thinking?.type === 'disabled') lose('thinking')
  if (effort !== undefined)
    return { reasoning_effort: effortOf(body.model, openAiEffort(effort, lose), lose) }
  if (typeof budget !== 'number') return {}
  lose('thinking')
  return { reasoning_effort: budget < 4096 ? 'low' : budget < 16_384 ? 'medium' : 'high' }
}

/** Two efforts, and thinking that can be switched off. Without a word it thinks. */
function deepSeekReasoning(
  thinking: JsonObject | undefined,
  effort: string | undefined,
  lose: Lose,
): JsonObject {
  if (thinking?.type === 'disabled') {
    if (effort !== undefined) lose('effort')
    return { thinking: { type: 'disabled' } }
  }
  if (thinking?.budget_tokens !== undefined) lose('thinking')
  if (effort === undefined) return {}
  const isHigh = effort === 'max' || effort === 'high'
  if (!isHigh) lose('effort')
  return { reasoning_effort: effort === 'max' || effort === 'xhigh' ? 'max' : 'high' }
}

/** A call cannot be demanded while it thinks: it does not where the caller has not asked for thinking. */
function deepSeekChoice(body: JsonObject, choice: unknown, dialect: ChatDialect, lose: Lose): JsonObject {
  const isForced = choice !== undefined && choice !== 'auto' && choice !== 'none'
  if (dialect.reasoning !== 'deepseek' || !isForced || field(body.thinking, 'type') === 'disabled') return {}
  if (!isThinking(body)) return { thinking: { type: 'disabled' } }
  lose('tool_choice')
  return { tool_choice: 'auto' }
}

/** The open models of OpenAI's end at `high`. */
function effortOf(model: unknown, effort: string, lose: Lose): string {
  if (effort !== 'xhigh' || !String(model).includes('gpt-oss')) return effort
  lose('effort')
  return 'high'
}

function openAiEffort(effort: string, lose: Lose): string {
  if (effort !== 'max') return effort
  lose('effort')
  return 'xhigh'
}

/** The older `output_format` is the same thing at the top. */
function responseFormat(body: JsonObject, dialect: ChatDialect, lose: Lose): unknown {
  const format = field(body.output_config, 'format') ?? body.output_format
  if (field(format, 'type') !== 'json_schema') return undefined
  if (!dialect.schemas) {
    lose('structured_output')
    return undefined
  }
  const schema = field(format, 'schema')
  const isStrict = dialect.strict && isStrictSchema(schema)
  // The schema is kept: the model sees it, and nothing but the guarantee is gone.
  if (!isStrict) lose('structured_output')
  return { type: 'json_schema', json_schema: { name: 'answer', schema, ...(isStrict && { strict: true }) } }
}

function stops(value: unknown, dialect: ChatDialect, lose: Lose): unknown {
  if (!Array.isArray(value) || value.length === 0) return undefined
  if (value.length > dialect.stops) lose('stop_sequences')
  return value.slice(0, dialect.stops)
}

/** OpenAI's limit for a `safety_identifier`. */
const longestUserId = 64

function userId(body: JsonObject, dialect: ChatDialect, lose: Lose): JsonObject {
  const id = stringField(body.metadata, 'user_id')
  if (id === undefined) return {}
  if (dialect.user !== undefined) return { [dialect.user]: userIdWithin(id, longestUserId) }
  lose('metadata')
  return {}
}

function serviceTier(tier: unknown, dialect: ChatDialect, lose: Lose): unknown {
  if (tier == null || tier === 'auto') return undefined
  if (dialect.serviceTier && tier === 'standard_only') return 'default'
  lose('service_tier')
  return undefined
}
