import type { JsonObject } from '@spillway/middleware/kit'
import { field, isObject, objectsOf, stringField } from '@spillway/wire/internal'
import { defined } from '../protocols/json.ts'
import { type Loss, mergeLosses } from '../protocols/loss.ts'
import { messagesOfItems } from './items-to-messages.ts'
import { chatChoice, chatFunctions, type ToolKinds } from './tool-kinds.ts'

/** A request of the Responses API in the words of chat completions. */
export interface ChatOfResponses {
  readonly body: JsonObject
  /** What got lost; empty when nothing did. */
  readonly degraded: readonly Loss[]
  /** What its tools are to the caller, whose answer needs it. */
  readonly kinds: ToolKinds
}

/** Fields that have a counterpart, or nothing to lose. */
const handled: ReadonlySet<string> = new Set(
  `model input instructions tools tool_choice parallel_tool_calls reasoning text max_output_tokens temperature top_p top_logprobs
  metadata store stream stream_options include prompt_cache_key prompt_cache_options prompt_cache_retention truncation service_tier
  background safety_identifier user previous_response_id conversation prompt client_metadata`.split(/\s+/),
)

/**
 * Translates the body of a request of the Responses API to chat completions, from where it goes on to any server. The given body is
 * not changed. Each item of the input is a separate message.
 * @returns `refused` for what needs a store of conversations, which a gateway to other vendors does not have
 */
export function chatOfResponses(body: JsonObject): ChatOfResponses | { readonly refused: string } {
  const refused = statefulWish(body)
  if (refused !== undefined) return { refused }
  const lost = new Set<Loss>()
  const lose = (loss: Loss): void => void lost.add(loss)
  const functions = chatFunctions(body.tools, lose)
  const { tools, tool_choice } = chatChoice(body.tool_choice, functions, lose)
  if (Number(body.top_logprobs ?? 0) > 0) lose('logprobs')
  if (Object.keys(body).some((name) => !handled.has(name) && body[name] != null)) lose('unknown_fields')
  const instructions = stringField(body, 'instructions') ?? ''
  const chat = defined({
    model: body.model,
    messages: [
      ...(instructions === '' ? [] : [{ role: 'developer', content: instructions }]),
      ...messagesOfItems(body.input, lose),
    ],
    ...(tools.length === 0
      ? {}
      : { tools, tool_choice, parallel_tool_calls: body.parallel_tool_calls ?? undefined }),
    max_completion_tokens: body.max_output_tokens ?? undefined,
    temperature: body.temperature ?? undefined,
    top_p: body.top_p ?? undefined,
    reasoning_effort: field(body.reasoning, 'effort') ?? undefined,
    verbosity: field(body.text, 'verbosity') ?? undefined,
    response_format: responseFormat(field(body.text, 'format')),
    service_tier: body.service_tier ?? undefined,
    safety_identifier: body.safety_identifier ?? undefined,
    user: body.user ?? undefined,
    ...(body.stream === true ? { stream: true, stream_options: { include_usage: true } } : {}),
  })
  return { body: chat, degraded: mergeLosses([...lost]), kinds: functions.kinds }
}

function responseFormat(format: unknown): unknown {
  if (!isObject(format) || format.type === 'text') return undefined
  if (format.type !== 'json_schema') return format
  const { type, ...schema } = format
  return { type, json_schema: schema }
}

/** What only a server with a memory can do, as a sentence that says what to change. */
function statefulWish(body: JsonObject): string | undefined {
  if (body.store === true) return 'store: responses are not stored here; set "store": false'
  if (body.background === true) return 'background: responses are not stored here; leave it out'
  for (const name of ['previous_response_id', 'conversation', 'prompt']) {
    if (body[name] != null) {
      return `${name}: nothing is stored here; send the whole conversation as "input" and set "store": false`
    }
  }
  const index = objectsOf(body.input).findIndex(({ type, id, role, content }) => {
    return (
      type === 'item_reference' ||
      (type == null && id !== undefined && role === undefined && content === undefined)
    )
  })
  if (index < 0) return undefined
  return `input[${index}]: items are not stored here, so that none can be referred to; send the item itself and set "store": false`
}
