import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { configOf, gatewayOf, targetAt } from './gateway.ts'
import { chat, type Json, messages, send } from './raw-client.ts'
import { rawUpstream, streamHead } from './raw-upstream.ts'

const sse = (events: readonly object[], isNamed: boolean): string =>
  events
    .map((event) => `${isNamed ? `event: ${(event as Json).type}\n` : ''}data: ${JSON.stringify(event)}\n\n`)
    .join('')

/** What a plain call gets from an upstream that always streams these bytes. */
async function assembled(stream: string, api: 'anthropic' | 'openai'): Promise<Json> {
  const upstream = await rawUpstream((socket) => socket.end(streamHead + stream))
  const gateway = await gatewayOf(configOf(targetAt(upstream, api)))
  const [path, body] = api === 'anthropic' ? ['messages', messages()] : ['chat/completions', chat()]
  const { status, text } = await send(`${gateway.url}/v1/${path}`, { body })
  expect([status, text]).toEqual([200, expect.stringMatching(/^\{/)])
  return JSON.parse(text)
}

const begin = (more: object = {}): object => ({
  type: 'message_start',
  message: {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-opus-5-5',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    usage: { input_tokens: 25, cache_read_input_tokens: 7, output_tokens: 1, service_tier: 'standard' },
    ...more,
  },
})
const block = (index: number, content_block: object, ...deltas: object[]): object[] => [
  { type: 'content_block_start', index, content_block },
  ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
  { type: 'content_block_stop', index },
]
const end = (delta: object = {}, usage: object = {}): object[] => [
  {
    type: 'message_delta',
    delta: { stop_reason: 'end_turn', stop_sequence: null, stop_details: null, ...delta },
    usage: { output_tokens: 15, ...usage },
  },
  { type: 'message_stop' },
]

describe('a message that is put together is what Anthropic’s SDK makes of the same stream', () => {
  it.each<[string, object[]]>([
    [
      'with text',
      [
        begin(),
        { type: 'ping' },
        ...block(
          0,
          { type: 'text', text: '' },
          { type: 'text_delta', text: 'Hel' },
          { type: 'text_delta', text: 'lo \u2713' },
        ),
        ...end(),
      ],
    ],
    [
      'with thinking, redacted thinking and a tool',
      [
        begin(),
        ...block(
          0,
          { type: 'thinking', thinking: '', signature: '' },
          { type: 'thinking_delta', thinking: 'Hm' },
          { type: 'thinking_delta', thinking: '.' },
          { type: 'signature_delta', signature: 'EqQB' },
        ),
        ...block(1, { type: 'redacted_thinking', data: 'xyz' }),
        ...block(
          2,
          { type: 'tool_use', id: 'toolu_1', name: 'f', input: {} },
          { type: 'input_json_delta', partial_json: '' },
          { type: 'input_json_delta', partial_json: '{"a": [1, "b' },
          { type: 'input_json_delta', partial_json: '\\u00e9"]}' },
        ),
        ...block(3, { type: 'tool_use', id: 'toolu_2', name: 'g', input: {} }),
        ...end({ stop_reason: 'tool_use' }),
      ],
    ],
    [
      'with citations and what a server has found',
      [
        begin(),
        ...block(
          0,
          { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} },
          { type: 'input_json_delta', partial_json: '{"query":"x"}' },
        ),
        ...block(1, {
          type: 'web_search_tool_result',
          tool_use_id: 'srvtoolu_1',
          content: [{ type: 'web_search_result', url: 'u' }],
        }),
        ...block(
          2,
          { type: 'text', text: '', citations: [] },
          {
            type: 'citations_delta',
            citation: { type: 'char_location', cited_text: 'a', document_index: 0 },
          },
          { type: 'text_delta', text: 'A' },
          {
            type: 'citations_delta',
            citation: { type: 'char_location', cited_text: 'b', document_index: 0 },
          },
        ),
        ...end({}, { input_tokens: 30, server_tool_use: { web_search_requests: 1 } }),
      ],
    ],
    [
      'that is refused',
      [
        begin(),
        ...end({
          stop_reason: 'refusal',
          stop_details: { type: 'refusal', category: 'cyber', explanation: null },
        }),
      ],
    ],
    [
      'whose counts come in part',
      [
        begin(),
        ...block(0, { type: 'text', text: 'Whole.' }),
        ...end(
          { stop_reason: 'stop_sequence', stop_sequence: 'END' },
          { input_tokens: null, cache_read_input_tokens: 9 },
        ),
      ],
    ],
  ])('%s', async (_name, events) => {
    const stream = sse(events, true)
    const upstream = await rawUpstream((socket) => socket.end(streamHead + stream))
    const client = new Anthropic({ apiKey: 'sk-any', baseURL: upstream.url, maxRetries: 0 })
    const body = messages() as unknown as Anthropic.MessageCreateParamsNonStreaming
    const { parsed_output: _, ...expected } = (await client.messages.stream(body).finalMessage()) as Json
    expect(await assembled(stream, 'anthropic')).toEqual(JSON.parse(JSON.stringify(expected)))
  })

  it('and keeps the numbers of a tool’s input as they were written', async () => {
    const input = '{"id":12345678901234567890,"price":1.10}'
    const stream = sse(
      [
        begin(),
        ...block(
          0,
          { type: 'tool_use', id: 't', name: 'f', input: {} },
          { type: 'input_json_delta', partial_json: input },
        ),
        ...end(),
      ],
      true,
    )
    const upstream = await rawUpstream((socket) => socket.end(streamHead + stream))
    const gateway = await gatewayOf(configOf(targetAt(upstream, 'anthropic')))
    expect((await send(`${gateway.url}/v1/messages`, { body: messages() })).text).toContain(
      `"input":${input}`,
    )
  })
})

const piece = (delta: object, more: object = {}): object => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1_790_000_000,
  model: 'gpt-5',
  service_tier: 'default',
  system_fingerprint: 'fp_1',
  choices: [{ index: 0, delta, finish_reason: null, ...more }],
})

describe('a completion that is put together is what OpenAI’s SDK makes of the same stream', () => {
  it.each<[string, object[]]>([
    [
      'with text and usage',
      [
        piece({ role: 'assistant', content: '', refusal: null }),
        piece({ content: 'Hel' }),
        piece({ content: 'lo' }),
        piece({}, { finish_reason: 'stop' }),
        { ...piece({}), choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } },
      ],
    ],
    [
      'with tool calls that come by turns',
      [
        piece({ role: 'assistant', content: null }),
        piece({
          tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '' } }],
        }),
        piece({
          tool_calls: [{ index: 1, id: 'call_2', type: 'function', function: { name: 'g', arguments: '{' } }],
        }),
        piece({ tool_calls: [{ index: 0, function: { arguments: '{"a":' } }] }),
        piece({
          tool_calls: [
            { index: 1, function: { arguments: '}' } },
            { index: 0, function: { arguments: '1}' } },
          ],
        }),
        piece({}, { finish_reason: 'tool_calls' }),
      ],
    ],
    [
      'with logarithms of probabilities',
      [
        piece(
          { role: 'assistant', content: 'A' },
          {
            logprobs: {
              content: [{ token: 'A', logprob: -1, bytes: [65], top_logprobs: [] }],
              refusal: null,
            },
          },
        ),
        piece(
          { content: 'B' },
          {
            logprobs: {
              content: [{ token: 'B', logprob: -2, bytes: [66], top_logprobs: [] }],
              refusal: null,
            },
          },
        ),
        piece({}, { finish_reason: 'length' }),
      ],
    ],
    [
      'that is refused',
      [
        piece({ role: 'assistant', refusal: 'I can' }),
        piece({ refusal: 'not.' }),
        piece({}, { finish_reason: 'stop' }),
      ],
    ],
    [
      'with two choices',
      [
        piece({ role: 'assistant', content: 'A' }),
        {
          ...piece({}),
          choices: [{ index: 1, delta: { role: 'assistant', content: 'B' }, finish_reason: 'stop' }],
        },
        piece({}, { finish_reason: 'stop' }),
      ],
    ],
  ])('%s', async (_name, chunks) => {
    const stream = `${sse(chunks, false)}data: [DONE]\n\n`
    const upstream = await rawUpstream((socket) => socket.end(streamHead + stream))
    const client = new OpenAI({ apiKey: 'sk-any', baseURL: `${upstream.url}/v1`, maxRetries: 0 })
    const body = chat() as unknown as Parameters<typeof client.chat.completions.stream>[0]
    const expected = JSON.parse(
      JSON.stringify(
        await client.chat.completions
          .stream(body)
          .finalChatCompletion()
          .catch((error) => error),
      ),
    )
    for (const { message } of expected.choices ?? []) {
      delete message.parsed
      for (const call of message.tool_calls ?? []) delete call.function.parsed_arguments
    }
    const actual = await assembled(stream, 'openai')
    expect(actual).toMatchObject(expected)
    expect(actual.object).toBe('chat.completion')
  })
})

it('reasoning of OpenRouter is put together in both of its forms', async () => {
  const detail = (text: string) => ({ type: 'reasoning.text', text, index: 0, format: 'anthropic-claude-v1' })
  const stream = sse(
    [
      piece({ role: 'assistant', content: '', reasoning: 'Hm', reasoning_details: [detail('Hm')] }),
      piece({ reasoning: ', yes', reasoning_details: [detail(', yes')] }),
      piece({ reasoning_details: [{ type: 'reasoning.text', signature: 'EqQB', index: 0 }] }),
      piece({ content: 'Yes.' }, { finish_reason: 'stop', native_finish_reason: 'end_turn' }),
    ],
    false,
  )
  expect((await assembled(stream, 'openai')).choices).toEqual([
    {
      index: 0,
      finish_reason: 'stop',
      native_finish_reason: 'end_turn',
      logprobs: null,
      message: {
        role: 'assistant',
        refusal: null,
        content: 'Yes.',
        reasoning: 'Hm, yes',
        reasoning_details: [{ ...detail('Hm, yes'), signature: 'EqQB' }],
      },
    },
  ])
})
