import { describe, expect, it } from 'vitest'
import { StreamReader } from './stream-reader.ts'
import type { StreamState } from './stream-state.ts'

type Data = { readonly type: string; readonly [field: string]: unknown }

const encode = (data: Data): string => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`

function read(...events: (Data | string)[]): Readonly<StreamState> {
  const reader = new StreamReader('anthropic')
  for (const event of events) reader.push(Buffer.from(typeof event === 'string' ? event : encode(event)))
  return reader.state
}

const messageStart = (usage?: unknown): Data => ({
  type: 'message_start',
  message: {
    id: 'msg_01',
    role: 'assistant',
    content: [],
    model: 'claude-opus-5-5',
    stop_reason: null,
    usage,
  },
})
const blockStart = (content_block: unknown): Data => ({
  type: 'content_block_start',
  index: 0,
  content_block,
})
const blockDelta = (delta: unknown): Data => ({ type: 'content_block_delta', index: 0, delta })
const messageDelta = (stop_reason: string | null, usage?: unknown): Data => ({
  type: 'message_delta',
  delta: { stop_reason, stop_sequence: null },
  ...(usage === undefined ? {} : { usage }),
})

describe('content', () => {
  it.each<[string, Data]>([
    ['message_start', messageStart({ input_tokens: 1, output_tokens: 1 })],
    ['ping', { type: 'ping' }],
    ['an empty text block', blockStart({ type: 'text', text: '' })],
    ['an empty thinking block', blockStart({ type: 'thinking', thinking: '', signature: '' })],
    ['a tool call without input', blockStart({ type: 'tool_use', id: 'toolu_1', name: 'f', input: {} })],
    [
      'a server tool call without input',
      blockStart({ type: 'server_tool_use', id: 's', name: 'f', input: {} }),
    ],
    ['an MCP tool call without input', blockStart({ type: 'mcp_tool_use', id: 'm', name: 'f', input: {} })],
    ['a block that is missing', blockStart(undefined)],
    ['an empty text delta', blockDelta({ type: 'text_delta', text: '' })],
    ['the empty first fragment of tool input', blockDelta({ type: 'input_json_delta', partial_json: '' })],
    ['a null text', blockDelta({ type: 'text_delta', text: null })],
    ['an unknown delta', blockDelta({ type: 'mood_delta', mood: 'fine' })],
    ['content_block_stop', { type: 'content_block_stop', index: 0 }],
    ['message_delta', messageDelta('end_turn')],
    ['an unknown event', { type: 'weather_report', text: 'rain' }],
  ])('is not %s', (_, event) => {
    expect(read(event).hasContent).toBe(false)
  })

  it.each<[string, Data]>([
    ['a text delta', blockDelta({ type: 'text_delta', text: 'Hi' })],
    ['a thinking delta', blockDelta({ type: 'thinking_delta', thinking: 'Hm' })],
    ['a signature delta', blockDelta({ type: 'signature_delta', signature: 'EqQB' })],
    ['a tool input delta', blockDelta({ type: 'input_json_delta', partial_json: '{"a' })],
    ['a citation', blockDelta({ type: 'citations_delta', citation: {} })],
    ['a text block with text', blockStart({ type: 'text', text: 'Hi' })],
    ['a thinking block with a signature', blockStart({ type: 'thinking', thinking: '', signature: 'EqQB' })],
    ['a tool call with its input', blockStart({ type: 'tool_use', id: 't', name: 'f', input: { a: 1 } })],
    ['redacted thinking', blockStart({ type: 'redacted_thinking', data: 'x' })],
    [
      'a result of a server tool',
      blockStart({ type: 'web_search_tool_result', tool_use_id: 's', content: [] }),
    ],
    ['a block of an unknown type', blockStart({ type: 'novelty', what: 1 })],
  ])('is %s', (_, event) => {
    expect(read(event).hasContent).toBe(true)
  })

  it('is told by the type in the data where the event has no name', () => {
    expect(
      read(`data: ${JSON.stringify(blockDelta({ type: 'text_delta', text: 'Hi' }))}\n\n`).hasContent,
    ).toBe(true)
  })

  it('is weighed for an estimate', () => {
    const text = 'x'.repeat(1000)
    const { contentBytes } = read(
      blockDelta({ type: 'text_delta', text }),
      blockDelta({ type: 'text_delta', text }),
    )
    expect(contentBytes).toBeGreaterThan(1900)
    expect(contentBytes).toBeLessThan(2100)
  })
})

describe('facts', () => {
  it('names the model and the stop reason', () => {
    const state = read(messageStart(), messageDelta('end_turn', { output_tokens: 1 }))
    expect(state).toMatchObject({ model: 'claude-opus-5-5', stopReason: 'end_turn' })
  })

  it('ends with message_stop', () => {
    expect(read(messageStart()).hasEnded).toBe(false)
    expect(read(messageStart(), { type: 'message_stop' }).hasEnded).toBe(true)
  })

  it('keeps a stop reason that a later message_delta does not repeat', () => {
    expect(read(messageDelta('tool_use'), messageDelta(null)).stopReason).toBe('tool_use')
  })

  it('ignores unknown events, whatever they hold, and unnamed ones that are not JSON', () => {
    expect(
      read('event: novelty\ndata: {not json\n\n', 'data: [DONE]\n\n', ': comment\n\n').failure,
    ).toBeUndefined()
  })

  it('is not misled by names of fields and events inside a text', () => {
    const text = '\n\nevent: error\ndata: {"type":"error"}\n\n"usage":{"output_tokens":9}'
    const state = read(blockDelta({ type: 'text_delta', text }), blockDelta({ type: 'text_delta', text }))
    expect(state).toMatchObject({ failure: undefined, usage: undefined, hasContent: true })
  })
})

describe('usage', () => {
  it('is the last value seen, never a sum', () => {
    const state = read(
      messageStart({ input_tokens: 12, output_tokens: 1, cache_read_input_tokens: 100 }),
      messageDelta(null, { output_tokens: 10 }),
      messageDelta('end_turn', { output_tokens: 15, input_tokens: 12, cache_read_input_tokens: 100 }),
    )
    expect(state.usage).toMatchObject({ inputTokens: 12, outputTokens: 15, cacheReadTokens: 100 })
  })

  it('keeps earlier values where later ones are null', () => {
    const state = read(
      messageStart({ input_tokens: 12, output_tokens: 1, cache_creation_input_tokens: 7 }),
      messageDelta('end_turn', { output_tokens: 15, input_tokens: null, cache_creation_input_tokens: null }),
    )
    expect(state.usage).toMatchObject({ inputTokens: 12, outputTokens: 15, cacheWriteTokens: 7 })
  })

  it('is final when it comes with or after the stop reason', () => {
    const before = messageStart({ input_tokens: 12, output_tokens: 1 })
    expect(read(before).usageIsFinal).toBe(false)
    expect(read(before, messageDelta(null, { output_tokens: 9 })).usageIsFinal).toBe(false)
    expect(read(before, messageDelta('end_turn', { output_tokens: 9 })).usageIsFinal).toBe(true)
    expect(
      read(before, messageDelta('end_turn'), messageDelta(null, { output_tokens: 9 })).usageIsFinal,
    ).toBe(true)
  })

  it('is not final where the last word says nothing about it', () => {
    expect(
      read(messageStart({ input_tokens: 12, output_tokens: 1 }), messageDelta('end_turn')).usageIsFinal,
    ).toBe(false)
    expect(read(messageStart({ input_tokens: 12 }), messageDelta('end_turn', null)).usageIsFinal).toBe(false)
  })
})

describe('an error event', () => {
  it.each([
    ['overloaded_error', 'overloaded'],
    ['api_error', 'server'],
    ['rate_limit_error', 'rate_limited'],
    ['timeout_error', 'timeout'],
  ])('of type %s is a failure of kind %s', (type, kind) => {
    const state = read(messageStart(), { type: 'error', error: { type, message: 'No' }, request_id: 'req_1' })
    expect(state.failure).toMatchObject({ kind, message: 'No', retryable: true, requestId: 'req_1' })
  })

  it('of OpenRouter is told by its error_type', () => {
    const error = { type: 'api_error', error_type: 'provider_overloaded', message: 'Busy' }
    expect(read({ type: 'error', error, request_id: null }).failure).toMatchObject({ kind: 'overloaded' })
  })

  it('that is not JSON is a failure still', () => {
    expect(read('event: error\ndata: Overloaded\n\n')).toMatchObject({
      failure: { kind: 'server', retryable: true },
      failureData: undefined,
    })
  })
})

it.each(['x'.repeat(257), 'a\nb', '', 5])('a model or a reason that is no name is none: %j', (name) => {
  const state = read(
    { type: 'message_start', message: { model: name } },
    { type: 'message_delta', delta: { stop_reason: name } },
  )
  expect([state.model, state.stopReason]).toEqual([undefined, undefined])
})
