import type { Failure } from '@spillway/middleware'
import { describe, expect, it } from 'vitest'
import { classifyErrorBody, classifyHttpError, isErrorBody } from './failure-classification.ts'

const classify = (status: number, body: unknown): Failure => classifyHttpError(status, {}, body, 0)

describe('an error in a list', () => {
  const google = [{ error: { code: 429, message: 'Quota exceeded', status: 'RESOURCE_EXHAUSTED' } }]
  const cloudflare = { success: false, errors: [{ code: 7003, message: 'No route' }], result: null }
  const ofGateway = { success: false, result: [], error: [{ code: 2005, message: 'No provider' }] }

  it.each<[string, number, unknown, Partial<Failure>]>([
    [
      'around everything',
      429,
      google,
      { kind: 'rate_limited', code: 'RESOURCE_EXHAUSTED', message: 'Quota exceeded' },
    ],
    ['of errors', 403, cloudflare, { kind: 'permission', message: 'No route' }],
    ['under one error', 400, ofGateway, { kind: 'invalid_request', message: 'No provider' }],
    [
      'of choices',
      502,
      { choices: [{}, { error: { message: 'Down' } }] },
      { kind: 'server', message: 'Down' },
    ],
    ['of choices, as a text', 502, { choices: [{ error: 'Down' }] }, { message: 'Down' }],
  ])('%s keeps its words', (_, status, body, expected) => {
    expect(classify(status, body)).toMatchObject(expected)
    if (!JSON.stringify(body).includes('choices')) expect(isErrorBody(body)).toBe(true)
  })

  it.each<[string, unknown]>([
    ['an empty list', []],
    ['a list of answers', [{ content: [] }]],
    ['a success with a list of errors', { success: true, errors: [{ message: 'x' }], content: [] }],
    ['a failure without a list', { success: false, content: [] }],
    ['a failure with an empty list', { success: false, errors: [], content: [] }],
    ['a list of errors alone', { errors: [{ message: 'x' }], content: [] }],
  ])('is none in %s', (_, body) => {
    expect(isErrorBody(body)).toBe(false)
  })
})

describe('an error of MiniMax inside a 200', () => {
  it('is told by its own status', () => {
    const body = { choices: null, base_resp: { status_code: 1008, status_msg: 'insufficient balance' } }
    expect(isErrorBody(body)).toBe(true)
    expect(classifyErrorBody(body)).toMatchObject({
      kind: 'billing',
      scope: 'key',
      message: 'insufficient balance',
    })
  })

  it('is none of 0, or without a number', () => {
    for (const status_code of [0, '1008', undefined])
      expect(isErrorBody({ choices: [], base_resp: { status_code, status_msg: 'success' } })).toBe(false)
  })
})

describe('an operation that AWS does not have', () => {
  const body = {
    Output: { __type: 'com.amazon.coral.service#UnknownOperationException' },
    Version: '1.0',
  }

  it('is not there, also inside a 200', () => {
    const expected = { kind: 'not_found', retryable: false, code: 'UnknownOperationException' }
    expect(isErrorBody(body)).toBe(true)
    expect(classifyErrorBody(body)).toMatchObject(expected)
    expect(classify(404, body)).toMatchObject(expected)
  })

  it.each([undefined, null, 'text', {}, { __type: 7 }])('is not named by %j', (Output) => {
    expect(isErrorBody({ Output, content: [] })).toBe(false)
  })
})

describe('a text beside what belongs to it', () => {
  it('has the code and the status that stand there', () => {
    expect(classify(403, { error: 'No', code: 'insufficient_user_quota' })).toMatchObject({
      kind: 'billing',
      message: 'No',
    })
    expect(classifyErrorBody({ error: 'No', StatusCode: 404 })).toMatchObject({
      kind: 'not_found',
      status: 404,
    })
    expect(classifyErrorBody({ error: 'No', statusCode: 413 }).kind).toBe('too_large')
    expect(classifyErrorBody({ error: { http_code: '429', message: 'No' } }).kind).toBe('rate_limited')
  })

  it('may be the code of a message', () => {
    const body = { error: 'rate_limit_exceeded', message: 'Slow down' }
    expect(classify(400, body)).toMatchObject({
      kind: 'rate_limited',
      code: 'rate_limit_exceeded',
      message: 'Slow down',
    })
    expect(classify(404, { error: 'model not found' }).code).toBeUndefined()
  })

  it('has no code of a status or of the word error', () => {
    expect(classify(400, { error: { code: '400', type: 'error', message: 'No' } })).toMatchObject({
      kind: 'invalid_request',
      code: undefined,
    })
  })
})

describe('an error that a relay passes on in its own', () => {
  const credit = {
    type: 'error',
    error: { type: 'invalid_request_error', message: 'Your credit balance is too low' },
  }
  const litellm = (inner: unknown, end = ''): object => ({
    error: {
      message: `litellm.BadRequestError: AnthropicException - ${typeof inner === 'string' ? inner : JSON.stringify(inner)}${end}`,
      type: null,
      param: null,
      code: '400',
    },
  })
  const openRouter = (raw: unknown): object => ({
    error: {
      message: 'Provider returned error',
      code: 400,
      metadata: { raw: typeof raw === 'string' ? raw : JSON.stringify(raw), provider_name: 'Anthropic' },
    },
  })
  const behind = { kind: 'billing', scope: 'model', retryable: false }

  it.each<[string, object]>([
    ['LiteLLM', litellm(credit)],
    [
      'LiteLLM, with more behind it',
      litellm(credit, '. Received Model Group=x\nAvailable Model Group Fallbacks=None'),
    ],
    ['LiteLLM, as Python writes bytes', litellm(`b'${JSON.stringify(credit)}'`)],
    ['LiteLLM, in words alone', litellm('Budget has been exceeded! Current cost: 14, Max budget: 100')],
    [
      'LiteLLM behind LiteLLM',
      {
        error: {
          message: `litellm.APIError: litellm.BadRequestError: XException - ${JSON.stringify(credit)}`,
        },
      },
    ],
    [
      'claude-code-router',
      {
        error: {
          message: `Error from provider(zai,glm-4.6: 429): {"error":{"code":"1113"}}Error: again {"a`,
          type: 'api_error',
        },
      },
    ],
    ['OpenRouter', openRouter(credit)],
    [
      'OpenRouter, by a code alone',
      openRouter({ error: { message: 'No', type: 'exceeded_current_quota_error' } }),
    ],
  ])('is known by what it says, and its key is none of ours: %s', (_, body) => {
    expect(classify(400, body)).toMatchObject(behind)
    expect(classifyErrorBody(body)).toMatchObject(behind)
  })

  it('has the words of the provider where the relay has none', () => {
    const tooLong = {
      type: 'error',
      error: { type: 'invalid_request_error', message: 'prompt is too long: 9 > 8' },
    }
    expect(classify(400, openRouter(tooLong))).toMatchObject({
      kind: 'invalid_request',
      scope: 'request',
      message: 'prompt is too long: 9 > 8',
    })
    expect(classify(400, litellm(tooLong)).message).toMatch(/^litellm\.BadRequestError: .*prompt is too long/)
  })

  it('of the relay’s own key stays the key’s', () => {
    expect(
      classify(429, { error: { message: 'litellm.RateLimitError: slow down', code: '429' } }),
    ).toMatchObject({
      kind: 'rate_limited',
      scope: 'key',
    })
  })

  it.each<[string, object]>([
    [
      'text that is no JSON',
      openRouter('the prompt: {"error":{"message":"Your credit balance is too low"}}'),
    ],
    ['JSON that is cut', openRouter('{"error":{"message":"Your credit balance is too low"')],
    ['JSON that is no error', openRouter({ prompt: 'Your credit balance is too low' })],
    ['a list', openRouter('["Your credit balance is too low"]')],
    [
      'words before it',
      { error: { message: `see litellm.BadRequestError: X - ${JSON.stringify(credit)}`, code: 400 } },
    ],
  ])('is left alone in %s', (_, body) => {
    const failure = classify(400, body)
    expect(failure).toMatchObject({ kind: 'invalid_request', scope: 'request' })
    expect(failure.message).toBe((body as { error: { message: string } }).error.message)
  })

  it('may hold braces and quotes in its texts', () => {
    const message = 'Your credit balance is too low: } "{" \\'
    expect(classify(400, litellm({ error: { message } }, ' }} "')).kind).toBe('billing')
  })

  it('is searched for no further than 16 kB', () => {
    const long = { pad: 'x'.repeat(20_000), error: { message: 'Your credit balance is too low' } }
    expect(classify(400, litellm(long)).kind).toBe('invalid_request')
  })
})
