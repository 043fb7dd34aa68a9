import type { Api } from '@spillway/middleware'
import type { Operation } from '@spillway/middleware/kit'
import { describe, expect, it } from 'vitest'
import { readWholeAnswer, type WholeAnswer } from './whole-answer.ts'

function read(
  api: Api,
  body: unknown,
  { status = 200, operation = 'generate' as Operation, headers = {} } = {},
): WholeAnswer {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  return readWholeAnswer({ api, operation }, status, headers, bytes, 0)
}

const message = {
  type: 'message',
  model: 'claude-opus-5-5',
  content: [{ type: 'text', text: 'Hi' }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 12, output_tokens: 3, cache_read_input_tokens: null },
}
const completion = {
  model: 'gpt-x',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 12, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 10 } },
}

describe('an answer', () => {
  it('of Anthropic says its model, usage and stop reason', () => {
    expect(read('anthropic', message)).toMatchObject({
      failure: undefined,
      model: 'claude-opus-5-5',
      stopReason: 'end_turn',
      usage: { inputTokens: 12, outputTokens: 3, cacheReadTokens: 0, estimated: false },
    })
  })

  it('of OpenAI says its model, usage and finish reason', () => {
    expect(read('openai', completion)).toMatchObject({
      failure: undefined,
      model: 'gpt-x',
      stopReason: 'stop',
      usage: { inputTokens: 2, outputTokens: 3, cacheReadTokens: 10 },
    })
  })

  it('may be a refusal, which is no failure, and may be empty', () => {
    expect(read('anthropic', { ...message, content: [], stop_reason: 'refusal' })).toMatchObject({
      failure: undefined,
      stopReason: 'refusal',
    })
  })

  it('may say nothing of usage', () => {
    expect(read('anthropic', { ...message, usage: undefined }).usage).toBeUndefined()
    expect(read('openai', { ...completion, usage: null }).usage).toBeUndefined()
  })

  it('to a question for a count is the count', () => {
    expect(read('anthropic', { input_tokens: 7 }, { operation: 'count_tokens' })).toMatchObject({
      failure: undefined,
      usage: undefined,
    })
  })
})

describe('a 200 that is none', () => {
  it.each<[string, Api, unknown]>([
    ['an empty body', 'anthropic', ''],
    ['a page', 'anthropic', '<!doctype html><title>Sign in</title>'],
    ['JSON that is cut off', 'openai', '{"choices":[{"mess'],
    ['JSON of another form', 'anthropic', { ok: true }],
    ['an answer of the other protocol', 'anthropic', completion],
    ['an answer of the other protocol', 'openai', message],
    ['no choices', 'openai', { ...completion, choices: [] }],
    ['null', 'openai', 'null'],
  ])('(%s, %s) is malformed and may be tried again', (_, api, body) => {
    expect(read(api, body).failure).toMatchObject({ kind: 'malformed', retryable: true })
  })

  it('is malformed where a count was asked for and there is none', () => {
    expect(read('anthropic', message, { operation: 'count_tokens' }).failure?.kind).toBe('malformed')
  })

  it.each<[string, Api, unknown, string]>([
    ['of Anthropic', 'anthropic', { type: 'error', error: { type: 'overloaded_error' } }, 'overloaded'],
    ['of OpenRouter', 'openai', { error: { code: 429, message: 'No' } }, 'rate_limited'],
    ['inside a choice', 'openai', { choices: [{ finish_reason: 'error', error: { code: 502 } }] }, 'server'],
    ['told by a finish reason', 'openai', { choices: [{ finish_reason: 'error' }] }, 'server'],
  ])('(an error %s) is that failure', (_, api, body, kind) => {
    expect(read(api, body)).toMatchObject({ failure: { kind }, usage: undefined })
  })
})

describe('an HTTP error', () => {
  it('is told by its body', () => {
    expect(
      read('anthropic', { type: 'error', error: { type: 'billing_error' } }, { status: 400 }).failure?.kind,
    ).toBe('billing')
  })

  it.each(['', '<html>502 Bad Gateway</html>', '{"cut'])(
    'is told by its status where the body is %j',
    (body) => {
      expect(read('anthropic', body, { status: 502, headers: { 'retry-after': '2' } }).failure).toMatchObject(
        {
          kind: 'server',
          status: 502,
          retryAfterMs: 2000,
        },
      )
    },
  )
})

it.each(['x'.repeat(257), 'a\nb', '', 5])('a model or a reason that is no name is none: %j', (name) => {
  const none = { failure: undefined, model: undefined, stopReason: undefined }
  expect(read('anthropic', { content: [], model: name, stop_reason: name })).toMatchObject(none)
  expect(read('openai', { choices: [{ finish_reason: name }], model: name })).toMatchObject(none)
})

it('an input too deep to be written again is an answer, whose usage nobody has told', () => {
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
  const body = `{"content":[{"type":"tool_use","id":"a","name":"f","input":{"a":${deep}}}]}`
  expect(read('anthropic', body)).toMatchObject({ failure: undefined, outputTokens: expect.any(Number) })
})
