import type { Api } from '@spillway/middleware'

/** A stream as one kind of server sends it. */
export interface DialectStream {
  readonly name: string
  readonly api: Api
  /** The events up to the one with which the answer is whole, that one included. */
  readonly answer: string
  /** What some servers send behind it: usage, timings, filters, `[DONE]`. */
  readonly more: string
}

/** An event: fields as its protocol has them. */
export interface NamedEvent {
  readonly type: string
  readonly [field: string]: unknown
}

const named = (...events: readonly NamedEvent[]): string =>
  events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('')
const data = (...chunks: readonly object[]): string =>
  chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('')
const done = 'data: [DONE]\n\n'

const start = {
  type: 'message_start',
  message: {
    ...{ id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-opus-5-5', content: [] },
    ...{ stop_reason: null, stop_sequence: null, usage: { input_tokens: 12, output_tokens: 1 } },
  },
}
const block = (index: number, content_block: object, ...deltas: object[]) => [
  { type: 'content_block_start', index, content_block },
  ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
  { type: 'content_block_stop', index },
]
const end = (stop_reason: string) => [
  { type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 15 } },
  { type: 'message_stop' },
]
const text = (index = 0) =>
  block(
    index,
    { type: 'text', text: '' },
    ...['Hé', ' {"error":1}\n\n', '[DONE]'].map((each) => ({ type: 'text_delta', text: each })),
  )
const thinking = block(
  0,
  { type: 'thinking', thinking: '', signature: '' },
  { type: 'thinking_delta', thinking: 'Hm' },
  { type: 'signature_delta', signature: 'EqQB' },
)
const tool = (index: number) =>
  block(
    index,
    { type: 'tool_use', id: `toolu_${index}`, name: 'rm', input: {} },
    ...['', '{"path":', '"/tmp"}'].map((partial_json) => ({ type: 'input_json_delta', partial_json })),
  )

/** Events of OpenAI Responses, numbered. */
export function responsesStream(...events: readonly NamedEvent[]): string {
  return named(...events.map((event, sequence_number) => ({ ...event, sequence_number })))
}

/** A response object as OpenAI sends it. */
export const responseObject = (status: string, more: object = {}): object => ({
  ...{ id: 'resp_1', object: 'response', created_at: 1_790_000_000, status, model: 'gpt-5.5', output: [] },
  ...{ error: null, incomplete_details: null, usage: null, ...more },
})

export const responsesUsageSaid = {
  ...{ input_tokens: 40, input_tokens_details: { cached_tokens: 30 } },
  ...{ output_tokens: 15, output_tokens_details: { reasoning_tokens: 6 }, total_tokens: 55 },
}

/** The events of one item: how it opens, what comes in pieces, how it is in the end. */
export function itemEvents(
  output_index: number,
  opened: object,
  pieces: readonly NamedEvent[],
  closed: object,
): NamedEvent[] {
  return [
    { type: 'response.output_item.added', output_index, item: opened },
    ...pieces.map((piece) => ({ output_index, item_id: 'item', ...piece })),
    { type: 'response.output_item.done', output_index, item: closed },
  ]
}

const created = { type: 'response.created', response: responseObject('in_progress') }
const inProgress = { type: 'response.in_progress', response: responseObject('in_progress') }
const delta = (name: string, text: string, more: object = {}) => ({
  ...{ type: `response.${name}.delta`, delta: text },
  ...more,
})
const reasoningItem = { id: 'rs_1', type: 'reasoning', summary: [] }
const messageItem = { id: 'msg_1', type: 'message', role: 'assistant', status: 'in_progress', content: [] }
const callItem = { id: 'fc_1', type: 'function_call', call_id: 'call_1', name: 'rm', arguments: '' }
const said = [{ type: 'output_text', text: 'Hé {"error":1}', annotations: [] }]

/** Reasoning, a text and a call, up to the last event of all. */
export const responsesItems: readonly NamedEvent[] = [
  created,
  inProgress,
  ...itemEvents(
    0,
    reasoningItem,
    [delta('reasoning_summary_text', 'Hm', { summary_index: 0 })],
    reasoningItem,
  ),
  ...itemEvents(
    1,
    messageItem,
    [
      { type: 'response.content_part.added', part: { type: 'output_text', text: '' } },
      delta('output_text', 'Hé', { content_index: 0, logprobs: [] }),
      delta('output_text', ' {"error":1}', { content_index: 0, logprobs: [] }),
    ],
    { ...messageItem, status: 'completed', content: said },
  ),
  ...itemEvents(
    2,
    callItem,
    [delta('function_call_arguments', '{"path":'), delta('function_call_arguments', '"/tmp"}')],
    { ...callItem, arguments: '{"path":"/tmp"}' },
  ),
]

/** Chunks of one server: what all have in common, and then each delta. */
const chunked =
  (base: object, more: object = {}) =>
  (delta: object, finish_reason: string | null = null, index = 0): object => ({
    ...base,
    choices: [{ index, delta, ...more, finish_reason }],
  })
const call = (index: number, fields: object, id?: string) => ({
  tool_calls: [{ index, ...(id === undefined ? {} : { id, type: 'function' }), function: fields }],
})
const calls = (index = 0) => [
  call(index, { name: 'rm', arguments: '' }, `call_${index}`),
  call(index, { arguments: '{"path":' }),
  call(index, { arguments: '"/tmp"}' }),
]
const usage = { prompt_tokens: 12, completion_tokens: 15, total_tokens: 27 }

const openai = chunked(
  { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'gpt-5', service_tier: 'default' },
  { logprobs: null },
)
const openrouter = chunked({
  id: 'gen-1',
  provider: 'Anthropic',
  model: 'anthropic/claude-opus-5',
  object: 'chat.completion.chunk',
})
const groq = chunked({
  id: 'chatcmpl-2',
  object: 'chat.completion.chunk',
  model: 'llama',
  x_groq: { id: 'req_1' },
})
const ollama = chunked({
  id: 'chatcmpl-3',
  object: 'chat.completion.chunk',
  model: 'llama3.2',
  system_fingerprint: 'fp_ollama',
})
const vllm = chunked(
  { id: 'chatcmpl-4', object: 'chat.completion.chunk', model: 'q' },
  { logprobs: null, token_ids: null },
)
const llamacpp = chunked({ created: 1, id: 'chatcmpl-5', model: 'm', object: 'chat.completion.chunk' })
const azure = chunked(
  { id: 'chatcmpl-6', object: 'chat.completion.chunk', model: 'gpt-5' },
  { content_filter_results: {} },
)
const sglang = chunked({ id: 'x', object: 'chat.completion.chunk', model: 'm' })

/** One of each, with what makes it special. */
export const dialectStreams: readonly DialectStream[] = [
  {
    name: 'Anthropic: thinking, text and two tools',
    api: 'anthropic',
    answer: named(
      start,
      { type: 'ping' },
      ...thinking,
      ...text(1),
      ...tool(2),
      ...tool(3),
      ...end('tool_use'),
    ),
    more: 'data: [DONE]\n\n',
  },
  {
    name: 'Anthropic: a server tool and its result',
    api: 'anthropic',
    answer: named(
      start,
      ...block(
        0,
        { type: 'server_tool_use', id: 's', name: 'web_search', input: {} },
        { type: 'input_json_delta', partial_json: '{}' },
      ),
      ...block(1, { type: 'web_search_tool_result', tool_use_id: 's', content: [] }),
      ...text(2),
      ...end('end_turn'),
    ),
    more: named({ type: 'ping' }),
  },
  {
    name: 'Anthropic: a refusal without content',
    api: 'anthropic',
    answer: named(start, ...end('refusal')),
    more: '',
  },
  {
    name: 'Anthropic, with carriage returns, of which the last one ends the stream',
    api: 'anthropic',
    answer: named(start, ...text(), ...tool(1), ...end('tool_use'))
      .replaceAll('\n', '\r\n')
      .slice(0, -1),
    more: '\n',
  },
  {
    name: 'OpenAI: text, usage behind the finish reason',
    api: 'openai',
    answer: data(
      openai({ role: 'assistant', content: '', refusal: null }),
      ...['Hé', ' "error" [DONE]'].map((content) => openai({ content })),
      openai({}, 'stop'),
    ),
    more: data({ id: 'chatcmpl-1', choices: [], usage }) + done,
  },
  {
    name: 'OpenAI: parallel tools',
    api: 'openai',
    answer: data(
      openai({ role: 'assistant', content: null }),
      ...calls().map((each) => openai(each)),
      ...calls(1).map((each) => openai(each)),
      openai({}, 'tool_calls'),
    ),
    more: done,
  },
  {
    name: 'OpenAI: two choices by turns',
    api: 'openai',
    answer: data(
      openai({ role: 'assistant', content: '' }),
      openai({ content: 'A' }),
      openai({ role: 'assistant', content: '' }, null, 1),
      openai({ content: 'B' }, null, 1),
      openai({ content: 'a' }),
      openai({}, 'stop'),
      openai({ content: 'b' }, null, 1),
      openai({}, 'stop', 1),
    ),
    more: data({ choices: [], usage }) + done,
  },
  {
    name: 'OpenRouter: comments, reasoning in both forms, a last chunk with usage',
    api: 'openai',
    answer: `: OPENROUTER PROCESSING\n\n${data(
      openrouter({
        role: 'assistant',
        content: '',
        reasoning: 'Hm',
        reasoning_details: [{ type: 'reasoning.text', text: 'Hm' }],
      }),
      openrouter({ role: 'assistant', content: 'Hello' }),
      openrouter({ role: 'assistant', content: '' }, 'stop'),
    )}`,
    more:
      data({ ...openrouter({ role: 'assistant', content: '' }), usage: { ...usage, cost: 0.001 } }) + done,
  },
  {
    name: 'Groq: a whole call in one chunk, usage in a separate field',
    api: 'openai',
    answer: data(
      groq({ role: 'assistant', content: null }),
      groq(call(0, { name: 'rm', arguments: '{"path":"/tmp"}' }, 'call_1')),
      { ...groq({}, 'tool_calls'), x_groq: { id: 'req_1', usage } },
    ),
    more: done,
  },
  {
    name: 'Ollama: reasoning, content in the last chunk',
    api: 'openai',
    answer: data(
      ollama({ role: 'assistant', content: '', reasoning: 'Hm' }),
      ollama({ role: 'assistant', content: 'Hello' }),
      ollama({ role: 'assistant', content: '.' }, 'stop'),
    ),
    more: data({ choices: [], usage }) + done,
  },
  {
    name: 'vLLM: reasoning_content, tools, usage in each chunk',
    api: 'openai',
    answer: data(
      ...[
        vllm({ role: 'assistant', content: '' }),
        vllm({ reasoning_content: 'Hm' }),
        ...calls().map((each) => vllm(each)),
        vllm({ content: '' }, 'tool_calls'),
      ].map((each) => ({ ...each, usage })),
    ),
    more: data({ choices: [], usage }) + done,
  },
  {
    name: 'OpenAI Responses: reasoning, text and a call',
    api: 'responses',
    answer: responsesStream(...responsesItems, {
      type: 'response.completed',
      response: responseObject('completed', { usage: responsesUsageSaid }),
    }),
    more: '',
  },
  {
    name: 'OpenAI Responses: incomplete, without names of events, and with a terminator',
    api: 'responses',
    answer: responsesStream(...responsesItems, {
      type: 'response.incomplete',
      response: responseObject('incomplete', { incomplete_details: { reason: 'max_output_tokens' } }),
    }).replaceAll(/^event: .*\n/gm, ''),
    more: done,
  },
  {
    name: 'OpenAI Responses: the last event alone has the answer',
    api: 'responses',
    answer: responsesStream(created, {
      type: 'response.completed',
      response: responseObject('completed', { output: [{ ...messageItem, content: said }] }),
    }),
    more: ': bye\n\n',
  },
  {
    name: 'llama.cpp: timings in the last chunk, no terminator',
    api: 'openai',
    answer: data(llamacpp({ role: 'assistant', content: null }), llamacpp({ content: 'Hello' }), {
      ...llamacpp({}, 'length'),
      timings: { predicted_n: 15 },
    }),
    more: '',
  },
  {
    name: 'Azure: filters before and behind the answer',
    api: 'openai',
    answer: data(
      { choices: [], prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }] },
      azure({ role: 'assistant', content: '' }),
      azure({ content: 'Hello' }),
      azure({}, 'stop'),
    ),
    more:
      data({
        choices: [
          {
            index: 0,
            content_filter_offsets: { check_offset: 1 },
            content_filter_results: {},
            finish_reason: null,
          },
        ],
      }) + done,
  },
  {
    name: 'SGLang: an empty finish reason in each chunk, spaces in the JSON',
    api: 'openai',
    answer: data(
      sglang({ role: 'assistant', content: 'Hello' }, ''),
      sglang({ content: '.' }, ''),
      sglang({ content: '' }, 'stop'),
    )
      .replaceAll('":', '": ')
      .replaceAll(',"', ', "'),
    more: done,
  },
]
