import { describe, expect, it } from 'vitest'
import { StreamReader } from './stream-reader.ts'
import type { StreamState } from './stream-state.ts'

function read(...events: unknown[]): Readonly<StreamState> {
  const reader = new StreamReader('openai')
  for (const event of events) {
    reader.push(Buffer.from(typeof event === 'string' ? event : `data: ${JSON.stringify(event)}\n\n`))
  }
  return reader.state
}

const chunk = (delta: unknown, finish_reason: string | null = null, more: object = {}): object => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'gpt-x',
  choices: [{ index: 0, delta, finish_reason }],
  ...more,
})
const hi = chunk({ content: 'Hi' })
const done = 'data: [DONE]\n\n'

describe('content', () => {
  it.each([
    ['a role', { role: 'assistant', content: '' }],
    ['null text', { content: null, refusal: null }],
    ['no tool calls', { tool_calls: [] }],
    ['nothing', {}],
    ['no delta', undefined],
  ])('is not %s', (_, delta) => {
    expect(read(chunk(delta)).hasContent).toBe(false)
  })

  it.each([
    ['text', { content: 'Hi' }],
    ['a refusal', { refusal: 'No' }],
    ['reasoning of OpenRouter', { reasoning: 'Hm' }],
    ['reasoning details of OpenRouter', { reasoning_details: [{ type: 'reasoning.text', text: 'Hm' }] }],
    ['reasoning of vLLM and llama.cpp', { reasoning_content: 'Hm' }],
    ['a tool call', { tool_calls: [{ index: 0, id: 'call_1', function: { name: 'f', arguments: '' } }] }],
    ['a function call of old', { function_call: { name: 'f' } }],
    ['audio', { audio: { data: 'x' } }],
  ])('is %s', (_, delta) => {
    expect(read(chunk(delta)).hasContent).toBe(true)
  })

  it('is weighed for an estimate', () => {
    const long = chunk({ content: 'x'.repeat(1000) })
    const { contentBytes } = read(long, long)
    expect(contentBytes).toBeGreaterThan(1700)
    expect(contentBytes).toBeLessThan(2300)
  })
})

describe('facts', () => {
  it('names the model and the finish reason', () => {
    expect(read(hi, chunk({}, 'length'))).toMatchObject({ model: 'gpt-x', stopReason: 'length' })
  })

  it('ends with [DONE]', () => {
    expect(read(hi).hasEnded).toBe(false)
    expect(read(hi, done).hasEnded).toBe(true)
    expect(read(hi, 'data:[DONE] \r\n\r\n').hasEnded).toBe(true)
  })

  it('finds a finish reason beside one that is null', () => {
    const choices = [
      { index: 0, delta: { content: 'x' }, finish_reason: null },
      { index: 1, delta: {}, finish_reason: 'stop' },
    ]
    expect(read(hi, { choices }).stopReason).toBe('stop')
  })

  it('finds a finish reason in JSON with spaces, and over several data lines', () => {
    expect(read(hi, 'data: {"choices": [{"delta": {}, "finish_reason" : "stop"}]}\n\n').stopReason).toBe(
      'stop',
    )
    expect(read(hi, 'data: {"choices":\ndata: [{"finish_reason":"stop"}]}\n\n').stopReason).toBe('stop')
  })

  it('ignores keep-alives, empty data and events of other names', () => {
    const state = read(
      ': OPENROUTER PROCESSING\n\n',
      'data:\n\n',
      'event: ping\ndata: pong\n\n',
      'data: 1\n\n',
    )
    expect(state).toMatchObject({ failure: undefined, hasContent: false })
  })

  it.each([
    '"usage":{"prompt_tokens":9}',
    '"error":{"code":500}',
    '"finish_reason":"stop"',
    'data: [DONE]',
    '\n\ndata: {}',
  ])('is not misled by a text that contains %s', (content) => {
    const state = read(hi, chunk({ content }), chunk({ content: '"error"' }), chunk({ content: 'usage' }))
    expect(state).toMatchObject({
      failure: undefined,
      usage: undefined,
      stopReason: undefined,
      hasEnded: false,
    })
  })

  it.each(['usage', 'error', 'finish_reason'])('is not misled by a text that is the word %s', (content) => {
    const state = read(hi, chunk({ content }, null, { usage: null }))
    expect(state).toMatchObject({ failure: undefined, usage: undefined, stopReason: undefined })
  })
})

describe('usage', () => {
  const usage = {
    prompt_tokens: 10,
    completion_tokens: 5,
    total_tokens: 15,
    prompt_tokens_details: { cached_tokens: 4 },
  }

  it('comes in a last chunk without choices', () => {
    const nothing = { usage: null }
    const state = read(
      chunk({ content: 'Hi' }, null, nothing),
      chunk({}, 'stop', nothing),
      { choices: [], usage },
      done,
    )
    expect(state).toMatchObject({
      usage: { inputTokens: 6, cacheReadTokens: 4, outputTokens: 5 },
      usageIsFinal: true,
    })
  })

  it('is missing where every chunk says null', () => {
    const nothing = { usage: null }
    const state = read(chunk({ content: 'Hi' }, null, nothing), chunk({ content: 'Ho' }, null, nothing), done)
    expect(state).toMatchObject({ usage: undefined, usageIsFinal: false })
  })

  it('is the last value seen, never a sum', () => {
    const so = (completion_tokens: number): object => ({ usage: { prompt_tokens: 10, completion_tokens } })
    const state = read(
      chunk({ content: 'a' }, null, so(1)),
      chunk({ content: 'b' }, null, so(2)),
      chunk({}, 'stop', so(3)),
    )
    expect(state.usage).toMatchObject({ inputTokens: 10, outputTokens: 3 })
  })

  it('is Groq’s, in a field of its own in the last chunk', () => {
    const state = read(hi, chunk({}, 'stop', { x_groq: { id: 'req_1', usage } }), done)
    expect(state).toMatchObject({ usage: { inputTokens: 6, outputTokens: 5 }, usageIsFinal: true })
  })

  it('is found beside a null of the same name', () => {
    const state = read(hi, { choices: [{ index: 0, delta: {}, finish_reason: null, usage: null }], usage })
    expect(state.usage?.outputTokens).toBe(5)
  })
})

describe('an error', () => {
  const failed = { index: 0, delta: { content: '' }, finish_reason: 'error' }

  it.each<[string, object | string, object]>([
    [
      'of OpenRouter at the top, with a code',
      {
        ...chunk({}),
        error: { code: 502, message: 'Down', metadata: { error_type: 'provider_unavailable' } },
        choices: [failed],
      },
      { kind: 'server', status: 502, code: 'provider_unavailable', message: 'Down', retryable: true },
    ],
    [
      'of OpenRouter with error_type and http_status',
      { error: { error_type: 'provider_overloaded', http_status: 529, message: 'Busy' }, choices: [failed] },
      { kind: 'overloaded', status: 529, code: 'provider_overloaded', retryable: true },
    ],
    [
      'of OpenRouter with an availability',
      {
        error: {
          message: 'No',
          availability: { code: 'capacity_exhausted', retryable: true, retry_after: 7 },
        },
      },
      { kind: 'rate_limited', retryable: true, retryAfterMs: 7000 },
    ],
    [
      'of OpenRouter inside a choice',
      { choices: [{ ...failed, error: { code: 429, message: 'Slow down' } }] },
      { kind: 'rate_limited', status: 429, message: 'Slow down' },
    ],
    ['told by the finish reason alone', { choices: [failed] }, { kind: 'server', retryable: true }],
    [
      'of OpenAI',
      { error: { message: 'Oops', type: 'server_error', param: null, code: null } },
      { kind: 'server', message: 'Oops', code: 'server_error', retryable: true },
    ],
    ['that is a text', { error: 'out of memory' }, { kind: 'server', message: 'out of memory' }],
    [
      'as an event of that name',
      'event: error\ndata: {"error":{"message":"Oops","type":"rate_limit_error"}}\n\n',
      { kind: 'rate_limited', message: 'Oops' },
    ],
    [
      'as an event of that name that is not JSON',
      'event: error\ndata: broken\n\n',
      { kind: 'server', message: 'the upstream reported an error inside its answer' },
    ],
  ])('%s is a failure, before and after the first content', (_, event, failure) => {
    expect(read(event).failure).toMatchObject(failure)
    expect(read(hi, event).failure).toMatchObject(failure)
    expect(read(hi, chunk({}), event, hi, done)).toMatchObject({ hasEnded: false, failure })
  })

  it('that is null is none', () => {
    expect(
      read(chunk({ content: 'Hi' }, null, { error: null }), chunk({}, 'stop', { error: null })).failure,
    ).toBeUndefined()
  })
})

it.each(['x'.repeat(257), 'a\nb', '', 5])('a model or a reason that is no name is none: %j', (name) => {
  const state = read(chunk({}, name as string, { model: name }), chunk({}, null))
  expect([state.model, state.stopReason]).toEqual(['gpt-x', undefined])
})
