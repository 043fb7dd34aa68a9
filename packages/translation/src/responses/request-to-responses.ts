import type { JsonObject } from '@spillway/middleware/kit'
import {
  field,
  isObject,
  isOpenAiReasoningModel,
  objectsOf,
  stringField,
  textOf,
} from '@spillway/wire/internal'
import { defined } from '../protocols/json.ts'
import { type Loss, mergeLosses } from '../protocols/loss.ts'
import { itemsOfMessages } from './messages-to-items.ts'

/** The API takes no lower limit. */
const leastOutput = 16

/** Fields of a chat that have no counterpart, and the loss where they are not what they would be without a word. */
const lostFields: readonly (readonly [name: string, loss: Loss, harmless: (value: unknown) => boolean])[] = [
  ['n', 'choices', (value) => value === 1],
  ['stop', 'stop_sequences', (value) => Array.isArray(value) && value.length === 0],
  ['frequency_penalty', 'penalties', (value) => value === 0],
  ['presence_penalty', 'penalties', (value) => value === 0],
  ['logit_bias', 'penalties', (value) => isObject(value) && Object.keys(value).length === 0],
  ['logprobs', 'logprobs', (value) => value === false],
  ['seed', 'seed', () => false],
  ['audio', 'audio', () => false],
  ['top_k', 'top_k', () => false],
  ['web_search_options', 'server_tools', () => false],
  ['functions', 'unknown_fields', () => false],
  ['cache_control', 'cache_control', () => false],
]

/** What is passed on under the same name. */
const same = [
  'model',
  'temperature',
  'top_p',
  'parallel_tool_calls',
  'service_tier',
  'safety_identifier',
  'user',
  'metadata',
  'prompt_cache_key',
  'prompt_cache_retention',
] as const

const handled: ReadonlySet<string> = new Set([
  ...lostFields.map(([name]) => name),
  ...same,
  ...`messages max_tokens max_completion_tokens stream stream_options tools tool_choice response_format reasoning_effort reasoning
  verbosity top_logprobs modalities store prediction`.split(/\s+/),
])

/** Translates the body of a chat request for a server that speaks the Responses API. The given body is not changed. */
export function chatToResponses(chat: JsonObject): {
  readonly body: JsonObject
  readonly degraded: readonly Loss[]
} {
  const lost = new Set<Loss>()
  const lose = (loss: Loss): void => void lost.add(loss)
  for (const [name, loss, isHarmless] of lostFields) {
    if (chat[name] != null && !isHarmless(chat[name])) lose(loss)
  }
  if (Object.keys(chat).some((name) => !handled.has(name) && chat[name] != null)) lose('unknown_fields')
  // Their reasoning comes back encrypted; the others refuse to be asked for it.
  const thinks = isOpenAiReasoningModel(stringField(chat, 'model') ?? '')
  const body = defined({
    ...Object.fromEntries(same.map((name) => [name, chat[name] ?? undefined])),
    input: itemsOfMessages(chat.messages, lose),
    ...tools(chat, lose),
    max_output_tokens: limit(chat.max_completion_tokens ?? chat.max_tokens, lose),
    reasoning: thinks ? reasoning(chat, lose) : undefined,
    text: textConfig(chat),
    include: thinks ? ['reasoning.encrypted_content'] : undefined,
    store: false,
    stream: chat.stream === true ? true : undefined,
  })
  return { body, degraded: mergeLosses([...lost]) }
}

type Lose = (loss: Loss) => void

function limit(tokens: unknown, lose: Lose): unknown {
  if (tokens == null) return undefined
  if (typeof tokens !== 'number' || tokens >= leastOutput) return tokens
  lose('max_tokens')
  return leastOutput
}

function tools(chat: JsonObject, lose: Lose): JsonObject {
  const all = objectsOf(chat.tools)
  const functions = all.filter((tool) => isObject(tool.function))
  if (functions.length < all.length) lose('custom_tools')
  if (functions.length === 0) return {}
  const names = functions.map((tool) => field(tool.function, 'name'))
  return {
    tools: functions.map((tool) => {
      if (tool.cache_control != null) lose('cache_control')
      const { name, description, parameters, strict } = tool.function as JsonObject
      // Without a word it would be strict, and refuse most schemas.
      return defined({
        type: 'function',
        name,
        description,
        parameters: parameters ?? null,
        strict: strict === true,
      })
    }),
    tool_choice: choice(chat.tool_choice, names, lose),
  }
}

function choice(wanted: unknown, names: readonly unknown[], lose: Lose): unknown {
  if (wanted == null || typeof wanted === 'string') return wanted ?? undefined
  const name = field(field(wanted, 'function'), 'name')
  if (names.includes(name)) return { type: 'function', name }
  lose('tool_choice')
  return undefined
}

function reasoning(chat: JsonObject, lose: Lose): unknown {
  const asked = isObject(chat.reasoning) ? chat.reasoning : {}
  const effort =
    stringField(chat, 'reasoning_effort') ?? stringField(asked, 'effort') ?? effortOfBudget(asked, lose)
  return defined({ effort, summary: 'auto' })
}

function effortOfBudget({ max_tokens, enabled }: JsonObject, lose: Lose): string | undefined {
  const isBudget = typeof max_tokens === 'number'
  if (isBudget || enabled === false) lose('thinking')
  if (!isBudget) return undefined
  return max_tokens < 4096 ? 'low' : max_tokens < 16_384 ? 'medium' : 'high'
}

function textConfig(chat: JsonObject): unknown {
  const format = responseFormat(chat.response_format)
  const config = defined({ format, verbosity: chat.verbosity ?? undefined })
  return Object.keys(config).length === 0 ? undefined : config
}

function responseFormat(format: unknown): unknown {
  if (!isObject(format)) return undefined
  const schema = isObject(format.json_schema) ? format.json_schema : undefined
  if (schema === undefined) return format
  return {
    type: textOf(format.type),
    ...schema,
    name: schema.name ?? 'answer',
    strict: schema.strict === true,
  }
}
