import {
  type Call,
  type Dialect,
  type Frame,
  fieldsOf,
  modelOf,
  type Refusal,
  type Route,
  type WireError,
} from './answer.ts'
import { generatingRoute } from './generating-route.ts'
import { replyTo } from './messages-route.ts'
import { openAiChat } from './openai-error.ts'
import type { FullReply, ReplyToolUse } from './reply.ts'
import type { ServerOptions } from './simulated-server.ts'

const frame = (name: string, data: object): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`

/** How OpenAI says errors in Responses: as in chat, but for those inside of answers. */
export const openAiResponses: Dialect = {
  ...openAiChat,
  // Known to no reference, and yet sent while a model thinks for long. Its number is made up here.
  ping: frame('keepalive', { type: 'keepalive', sequence_number: 0 }),
  errorIn200(error, call) {
    return JSON.stringify({ ...responseOf(call, {}, 'failed'), error: errorOf(error) })
  },
  errorFrame(error) {
    return frame('error', { type: 'error', sequence_number: 0, ...errorOf(error), param: null })
  },
}

function errorOf({
  type = 'server_error',
  message = 'The server had an error while processing your request',
}: WireError): object {
  return { code: type, message }
}

/** The Responses endpoint. `refuse` says what is wrong with a request that may go on with what is kept here. */
export function responsesRoute(
  options: ServerOptions,
  refuse: (call: Call, kept: KeptResponses) => Refusal | undefined,
): Route {
  const kept: KeptResponses = new Map()
  return generatingRoute({
    dialect: openAiResponses,
    refuse: (call) => refuse(call, kept),
    plan(call) {
      const reply = replyTo(call, options)
      if (fieldsOf(call.request.json).store !== false) keep(kept, call, reply)
      return reply
    },
    whole: (call, reply) => JSON.stringify(endOf(call, reply, itemsOf(call, reply))),
    frames: responseFrames,
  })
}

/** Responses and their items that are stored, by the key that has made them: whoever has the key may go on with any of them. */
export type KeptResponses = Map<string, { readonly key: string | undefined }>

const mostKept = 1_000

function keep(kept: KeptResponses, call: Call, reply: FullReply): void {
  const key = call.request.headers.authorization
  const ids = [`resp_${call.id}`, ...itemsOf(call, reply).map(({ item }) => String(item.id))]
  for (const id of ids) kept.set(id, { key })
  for (const id of kept.keys()) if (kept.size > mostKept) kept.delete(id)
}

/** Fields of a request that its response repeats, and what they are where it does not have them. */
const repeated: Readonly<Record<string, unknown>> = {
  instructions: null,
  max_output_tokens: null,
  max_tool_calls: null,
  metadata: {},
  parallel_tool_calls: true,
  previous_response_id: null,
  prompt_cache_key: null,
  reasoning: { effort: null, summary: null },
  safety_identifier: null,
  service_tier: 'default',
  store: true,
  temperature: 1,
  text: { format: { type: 'text' }, verbosity: 'medium' },
  tool_choice: 'auto',
  tools: [],
  top_logprobs: 0,
  top_p: 1,
  truncation: 'disabled',
  user: null,
}

function responseOf(call: Call, { model }: Pick<Partial<FullReply>, 'model'>, status: string): object {
  const asked = fieldsOf(call.request.json)
  const said = Object.fromEntries(
    Object.entries(repeated).map(([name, usual]) => [name, asked[name] ?? usual]),
  )
  return {
    ...{ id: `resp_${call.id}`, object: 'response', created_at: Math.floor(Date.now() / 1000), status },
    ...{
      background: false,
      error: null,
      incomplete_details: null,
      model: model ?? modelOf(call),
      output: [],
    },
    ...{ ...said, usage: null },
  }
}

function usageOf({ usage }: FullReply): object {
  const input = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens
  return {
    input_tokens: input,
    input_tokens_details: {
      cached_tokens: usage.cacheReadTokens,
      cache_write_tokens: usage.cacheWriteTokens,
    },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: input + usage.outputTokens,
  }
}

const cutShort = new Set(['max_tokens', 'model_context_window_exceeded'])

function endOf(call: Call, reply: FullReply, items: readonly Item[]): object {
  const isFiltered = reply.stopReason === 'refusal'
  const reason = cutShort.has(reply.stopReason)
    ? 'max_output_tokens'
    : isFiltered
      ? 'content_filter'
      : undefined
  return {
    ...responseOf(call, reply, reason === undefined ? 'completed' : 'incomplete'),
    ...(reason !== undefined && { incomplete_details: { reason } }),
    output: items.map(({ item }) => item),
    usage: usageOf(reply),
  }
}

/** An item of an answer, and how it comes in a stream. */
interface Item {
  readonly item: Readonly<Record<string, unknown>>
  /** As it is when it is added. */
  readonly opened: object
  /** The events between. */
  readonly events: readonly (readonly [name: string, fields: object, content: boolean])[]
}

function itemsOf(call: Call, reply: FullReply): Item[] {
  const items: Item[] = []
  const { include } = fieldsOf(call.request.json)
  const isSealed = Array.isArray(include) && include.includes('reasoning.encrypted_content')
  if (reply.thinking.length > 0 || reply.thinkingOmitted) items.push(reasoningItem(call, reply, isSealed))
  if (reply.text.length > 0) items.push(messageItem(call, reply))
  items.push(...reply.toolUse.map((use, at) => callItem(call, use, at)))
  return items
}

/** A call of a function has its arguments as JSON, one of a custom tool a text: `input`, or all of it. */
function callItem(call: Call, { id, name, input }: ReplyToolUse, at: number): Item {
  const isCustom = isCustomTool(fieldsOf(call.request.json).tools, name)
  const given = isCustom ? (fieldsOf(input).input ?? input) : input
  const said = isCustom && typeof given === 'string' ? given : (JSON.stringify(given) ?? '{}')
  const [prefix, type, field, event] = isCustom
    ? ['ctc', 'custom_tool_call', 'input', 'response.custom_tool_call_input']
    : ['fc', 'function_call', 'arguments', 'response.function_call_arguments']
  const call_id = id ?? `call_${call.id}${at}`
  const item = { id: `${prefix}_${call.id}${at}`, type, status: 'completed', name, [field]: said, call_id }
  const pieces = said.match(/.{1,16}/gsu) ?? []
  return {
    item,
    opened: { ...item, status: 'in_progress', [field]: '' },
    events: [
      ...pieces.map((delta) => [`${event}.delta`, { delta }, true] as const),
      [`${event}.done`, { ...(!isCustom && { name }), [field]: said }, false],
    ],
  }
}

function isCustomTool(tools: unknown, name: string): boolean {
  return (
    Array.isArray(tools) && tools.map(fieldsOf).some((tool) => tool.type === 'custom' && tool.name === name)
  )
}

function reasoningItem(call: Call, { thinking }: FullReply, isSealed: boolean): Item {
  const text = thinking.join('')
  const place = { summary_index: 0 }
  const summary = text === '' ? [] : [{ type: 'summary_text', text }]
  const sealed = isSealed ? { encrypted_content: Buffer.from(`sealed:${text}`).toString('base64') } : {}
  const item = { id: `rs_${call.id}`, type: 'reasoning', summary, ...sealed }
  const name = 'response.reasoning_summary'
  return {
    item,
    opened: { id: item.id, type: 'reasoning', summary: [] },
    events:
      text === ''
        ? []
        : [
            [`${name}_part.added`, { ...place, part: { type: 'summary_text', text: '' } }, false],
            ...thinking.map((delta) => [`${name}_text.delta`, { ...place, delta }, true] as const),
            [`${name}_text.done`, { ...place, text }, false],
            [`${name}_part.done`, { ...place, part: summary[0] }, false],
          ],
  }
}

function messageItem(call: Call, { text }: FullReply): Item {
  const said = text.join('')
  const part = { type: 'output_text', text: said, annotations: [], logprobs: [] }
  const item = {
    id: `msg_${call.id}`,
    type: 'message',
    status: 'completed',
    role: 'assistant',
    content: [part],
  }
  const place = { content_index: 0 }
  return {
    item,
    opened: { ...item, status: 'in_progress', content: [] },
    events: [
      ['response.content_part.added', { ...place, part: { ...part, text: '' } }, false],
      ...text.map(
        (delta) => ['response.output_text.delta', { ...place, delta, logprobs: [] }, true] as const,
      ),
      ['response.output_text.done', { ...place, text: said, logprobs: [] }, false],
      ['response.content_part.done', { ...place, part }, false],
    ],
  }
}

/** The events of a streamed response. */
function responseFrames(call: Call, reply: FullReply): Frame[] {
  const list: Frame[] = []
  const add = (type: string, fields: object, content = false): void => {
    const opens = type === 'response.output_item.added'
    list.push({ text: frame(type, { type, sequence_number: list.length, ...fields }), content, opens })
  }
  const begun = responseOf(call, reply, 'in_progress')
  add('response.created', { response: begun })
  add('response.in_progress', { response: begun })
  const items = itemsOf(call, reply)
  for (const [output_index, { item, opened, events }] of items.entries()) {
    add('response.output_item.added', { output_index, item: opened })
    for (const [name, fields, content] of events)
      add(name, { item_id: item.id, output_index, ...fields }, content)
    add('response.output_item.done', { output_index, item })
  }
  const response = endOf(call, reply, items)
  add(`response.${fieldsOf(response).status}`, { response })
  return list
}
