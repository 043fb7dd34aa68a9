import { awsEvent } from './aws-events.ts'

/** What every upstream says. */
export const text = 'The water goes around the dam.'

/** An answer in two parts: what comes before the first content, and the rest. */
export interface Answer {
  readonly type: string
  readonly before: Buffer
  readonly rest: Buffer
}

type Event = readonly [name: string, data: object]

/** The answer to a call by its path and body; undefined for a path that no venue has. */
export function answerTo(path: string, body: string): Answer | undefined {
  const isStream = /"stream":\s*true/.test(body)
  const route = path.replace(/\?.*/, '')
  if (/\/invoke$/.test(route) || /:rawPredict$/.test(route)) return whole(message)
  if (/:streamRawPredict$/.test(route)) return sse(messageEvents)
  if (/\/invoke-with-response-stream$/.test(route)) return aws(messageEvents.map(asChunk))
  if (/\/converse$/.test(route)) return whole(converse)
  if (/\/converse-stream$/.test(route)) return aws(converseEvents)
  if (/\/messages$/.test(route)) return isStream ? sse(messageEvents) : whole(message)
  if (/\/chat\/completions$/.test(route)) return isStream ? chatStream() : whole(completion)
  if (/\/responses$/.test(route)) return isStream ? sse(responseEvents) : whole(response)
  return undefined
}

function whole(json: object): Answer {
  const bytes = Buffer.from(JSON.stringify(json))
  const half = bytes.length >> 1
  return { type: 'application/json', before: bytes.subarray(0, half), rest: bytes.subarray(half) }
}

/** The first two events have no content in any of the protocols. */
function sse(events: readonly Event[]): Answer {
  const written = events.map(([name, data]) =>
    Buffer.from(`event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`),
  )
  return parts('text/event-stream', written)
}

const aws = (events: readonly Event[]): Answer =>
  parts(
    'application/vnd.amazon.eventstream',
    events.map(([name, data]) => awsEvent(name, data)),
  )

const parts = (type: string, written: readonly Buffer[]): Answer => ({
  type,
  before: Buffer.concat(written.slice(0, 2)),
  rest: Buffer.concat(written.slice(2)),
})

const asChunk = ([type, data]: Event): Event => [
  'chunk',
  { bytes: Buffer.from(JSON.stringify({ type, ...data })).toString('base64') },
]

const model = 'claude-opus-5-5'
const usage = { input_tokens: 9, output_tokens: 8 }
const start = { id: 'msg_1', type: 'message', role: 'assistant', model, stop_sequence: null }

const message = { ...start, content: [{ type: 'text', text }], stop_reason: 'end_turn', usage }

const messageEvents: readonly Event[] = [
  ['message_start', { message: { ...start, content: [], stop_reason: null, usage } }],
  ['content_block_start', { index: 0, content_block: { type: 'text', text: '' } }],
  ['content_block_delta', { index: 0, delta: { type: 'text_delta', text } }],
  ['content_block_stop', { index: 0 }],
  ['message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage }],
  ['message_stop', {}],
]

const converse = {
  output: { message: { role: 'assistant', content: [{ text }] } },
  stopReason: 'end_turn',
  usage: { inputTokens: 9, outputTokens: 8, totalTokens: 17 },
}

const converseEvents: readonly Event[] = [
  ['messageStart', { role: 'assistant' }],
  ['contentBlockStart', { contentBlockIndex: 0, start: {} }],
  ['contentBlockDelta', { contentBlockIndex: 0, delta: { text } }],
  ['contentBlockStop', { contentBlockIndex: 0 }],
  ['messageStop', { stopReason: 'end_turn' }],
  ['metadata', { usage: converse.usage, metrics: { latencyMs: 1 } }],
]

const chat = { id: 'gen-1', created: 1_790_000_000, model, system_fingerprint: 'fp_1' }
const chatUsage = { prompt_tokens: 9, completion_tokens: 8, total_tokens: 17 }

const completion = {
  ...{ ...chat, object: 'chat.completion', usage: chatUsage },
  choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
}

function chatStream(): Answer {
  const chunk = (delta: object, finish: string | null = null): object => ({
    ...{ ...chat, object: 'chat.completion.chunk' },
    choices: [{ index: 0, delta, finish_reason: finish }],
  })
  const chunks = [chunk({ role: 'assistant', content: '' }), chunk({ content: text }), chunk({}, 'stop')]
  const last = { ...chat, object: 'chat.completion.chunk', choices: [], usage: chatUsage }
  const lines = [...chunks, last].map((each) => Buffer.from(`data: ${JSON.stringify(each)}\n\n`))
  return parts('text/event-stream', [Buffer.from(': waiting\n\n'), ...lines, Buffer.from('data: [DONE]\n\n')])
}

const part = { type: 'output_text', text, annotations: [], logprobs: [] }
const item = { id: 'msg_1', type: 'message', role: 'assistant', status: 'completed', content: [part] }
const response = {
  ...{ id: 'resp_1', object: 'response', created_at: 1_790_000_000, model, status: 'completed', error: null },
  ...{ incomplete_details: null, instructions: null, metadata: {}, parallel_tool_calls: true, tools: [] },
  output: [item],
  usage: {
    ...{ ...usage, total_tokens: 17, input_tokens_details: { cached_tokens: 0 } },
    output_tokens_details: { reasoning_tokens: 0 },
  },
}
const begun = { ...response, status: 'in_progress', output: [], usage: null }
const place = { item_id: 'msg_1', output_index: 0, content_index: 0 }

const responseEvents: readonly Event[] = [
  ['response.created', { sequence_number: 0, response: begun }],
  ['response.in_progress', { sequence_number: 1, response: begun }],
  [
    'response.output_item.added',
    { sequence_number: 2, output_index: 0, item: { ...item, status: 'in_progress', content: [] } },
  ],
  ['response.content_part.added', { sequence_number: 3, ...place, part: { ...part, text: '' } }],
  ['response.output_text.delta', { sequence_number: 4, ...place, delta: text, logprobs: [] }],
  ['response.output_text.done', { sequence_number: 5, ...place, text, logprobs: [] }],
  ['response.content_part.done', { sequence_number: 6, ...place, part }],
  ['response.output_item.done', { sequence_number: 7, output_index: 0, item }],
  ['response.completed', { sequence_number: 8, response }],
]
