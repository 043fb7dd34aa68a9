import type { Api, Failure, FailureKind } from '@spillway/middleware'
import { describe, expect, it } from 'vitest'
import { renderError, renderErrorEvent, statusOf } from './error-rendering.ts'
import { classifyHttpError } from './failure-classification.ts'
import { StreamReader } from './stream-reader.ts'

const failureOf = (kind: FailureKind, more: Partial<Failure> = {}): Failure => ({
  kind,
  message: 'line one\nline "two" é',
  retryable: false,
  scope: 'request',
  origin: 'spillway',
  ...more,
})

const parse = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString())

const table: [FailureKind, number, string, string, string][] = [
  ['overloaded', 529, 'overloaded_error', 'server_error', 'server_error'],
  ['rate_limited', 429, 'rate_limit_error', 'invalid_request_error', 'rate_limit_exceeded'],
  ['timeout', 504, 'timeout_error', 'server_error', 'timeout'],
  ['connection', 502, 'api_error', 'server_error', 'server_error'],
  ['server', 502, 'api_error', 'server_error', 'server_error'],
  ['invalid_request', 400, 'invalid_request_error', 'invalid_request_error', 'invalid_request_error'],
  ['authentication', 401, 'authentication_error', 'invalid_request_error', 'invalid_api_key'],
  ['permission', 403, 'permission_error', 'invalid_request_error', 'permission_denied'],
  ['billing', 402, 'billing_error', 'invalid_request_error', 'insufficient_quota'],
  ['not_found', 404, 'not_found_error', 'invalid_request_error', 'not_found'],
  ['too_large', 413, 'request_too_large', 'invalid_request_error', 'invalid_request_error'],
  ['refusal', 400, 'invalid_request_error', 'invalid_request_error', 'content_policy_violation'],
  ['truncated', 502, 'api_error', 'server_error', 'server_error'],
  ['malformed', 502, 'api_error', 'server_error', 'server_error'],
  ['cancelled', 499, 'api_error', 'invalid_request_error', 'server_error'],
  ['circuit_open', 503, 'overloaded_error', 'server_error', 'server_error'],
  ['saturated', 429, 'rate_limit_error', 'invalid_request_error', 'rate_limit_exceeded'],
  ['budget_exceeded', 429, 'billing_error', 'insufficient_quota', 'insufficient_quota'],
  ['unfit', 400, 'invalid_request_error', 'invalid_request_error', 'invalid_request_error'],
]

describe.each(table)('a failure of kind %s', (kind, status, anthropicType, openaiType, openaiCode) => {
  const failure = failureOf(kind, { requestId: 'req_1' })

  it(`is ${status} ${anthropicType} to callers of Anthropic`, () => {
    const error = renderError('anthropic', failure)
    expect(error.status).toBe(status)
    expect(error.headers).toEqual({ 'content-type': 'application/json', 'request-id': 'req_1' })
    expect(parse(error.body)).toEqual({
      type: 'error',
      error: { type: anthropicType, message: failure.message },
      request_id: 'req_1',
    })
  })

  it(`is ${status} ${openaiCode} to callers of OpenAI`, () => {
    const error = renderError('openai', failure)
    expect(error.status).toBe(status)
    expect(error.headers).toEqual({ 'content-type': 'application/json', 'x-request-id': 'req_1' })
    expect(parse(error.body)).toEqual({
      error: { message: failure.message, type: openaiType, param: null, code: openaiCode },
    })
  })

  it.each<Api>(['anthropic', 'openai'])(
    'ends a stream of %s with one event that reads back as a failure',
    (api) => {
      const reader = new StreamReader(api)
      const event = renderErrorEvent(api, failure)
      expect(reader.push(event)).toHaveLength(0)
      expect(reader.state.failure).toMatchObject({ message: failure.message, origin: 'upstream' })
      expect(reader.rest()).toHaveLength(0)
      expect(Buffer.from(reader.failureBytes ?? []).equals(event)).toBe(true)
    },
  )
})

describe('kinds of an upstream', () => {
  const upstreamKinds: FailureKind[] = [
    'overloaded',
    'rate_limited',
    'timeout',
    'server',
    'invalid_request',
    'authentication',
    'permission',
    'billing',
    'not_found',
    'too_large',
  ]

  it.each(upstreamKinds)('%s reads back as itself in both protocols', (kind) => {
    for (const api of ['anthropic', 'openai'] as const) {
      const { status, headers, body } = renderError(api, failureOf(kind))
      expect(classifyHttpError(status, headers, parse(body), 0).kind).toBe(kind)
    }
  })

  it.each<[FailureKind, FailureKind]>([
    ['overloaded', 'overloaded'],
    ['rate_limited', 'rate_limited'],
    ['timeout', 'timeout'],
    ['billing', 'billing'],
    ['truncated', 'server'],
    ['circuit_open', 'overloaded'],
  ])('%s in an event of Anthropic reads back as %s', (kind, readBack) => {
    const reader = new StreamReader('anthropic')
    reader.push(renderErrorEvent('anthropic', failureOf(kind)))
    expect(reader.state.failure?.kind).toBe(readBack)
  })
})

describe('the status', () => {
  it("is the upstream's own where it was an error", () => {
    expect(statusOf(failureOf('server', { origin: 'upstream', status: 500 }))).toBe(500)
    expect(statusOf(failureOf('timeout', { origin: 'upstream', status: 524 }))).toBe(524)
  })

  it('is that of the kind where the upstream gave none, or a success', () => {
    expect(statusOf(failureOf('server', { origin: 'upstream' }))).toBe(502)
    expect(statusOf(failureOf('malformed', { origin: 'upstream', status: 200 }))).toBe(502)
  })
})

describe('a failure of a policy that does not check what it was told', () => {
  it.each([Infinity, 1e308, -1, Number.NaN])(
    'a wait of %d ms still makes headers that can be sent',
    (retryAfterMs) => {
      const { headers } = renderError('anthropic', failureOf('saturated', { retryAfterMs }))
      expect(Number(headers['retry-after-ms'])).toBeLessThan(2 ** 31)
      expect(headers['retry-after']).toMatch(/^\d{1,7}$/)
    },
  )

  it('an id that no header takes is left out', () => {
    expect(
      renderError('anthropic', failureOf('server', { requestId: 'req_\u2713' })).headers,
    ).not.toHaveProperty('request-id')
  })

  it.each([99, 200, 307, 600, 999])('a status of %d is that of its kind', (status) => {
    expect(statusOf(failureOf('server', { origin: 'upstream', status }))).toBe(502)
  })
})

describe('the wait', () => {
  it('is told in whole seconds, rounded up, and in milliseconds', () => {
    expect(renderError('anthropic', failureOf('saturated', { retryAfterMs: 1200.4 })).headers).toMatchObject({
      'retry-after': '2',
      'retry-after-ms': '1201',
    })
  })

  it('is not told where none is known', () => {
    expect(renderError('openai', failureOf('saturated')).headers).toEqual({
      'content-type': 'application/json',
    })
  })
})

it('leaves no id of a request where there is none', () => {
  expect(parse(renderError('anthropic', failureOf('server')).body)).toMatchObject({ request_id: null })
})
