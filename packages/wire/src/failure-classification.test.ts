import type { FailureKind } from '@spillway/middleware'
import type { FailureScope } from '@spillway/middleware/kit'
import { describe, expect, it } from 'vitest'
import { classifyErrorBody, classifyHttpError, isErrorBody, isErrorOf } from './failure-classification.ts'

const epoch = Date.UTC(2026, 10, 23, 12)

const classify = (status: number, body?: unknown, headers: Record<string, string> = {}) =>
  classifyHttpError(status, headers, body, epoch)

const anthropic = (type: string, error_code?: string): object => ({
  type: 'error',
  error: { type, message: 'No', ...(error_code === undefined ? {} : { details: { error_code } }) },
  request_id: 'req_1',
})
const openai = (type: string | null, code: string | null): object => ({
  error: { message: 'No', type, param: null, code },
})
const openrouter = (code: number, error_type: string): object => ({
  error: { code, message: 'No', metadata: { error_type, provider_code: 'x' } },
})
const availability = (code: string, retryable: boolean, http_status: number): object => ({
  error: { message: 'No', http_status, availability: { code, retryable, requested_models: ['m'] } },
})

describe('an HTTP error of Anthropic', () => {
  it.each<[number, string, FailureKind, boolean, FailureScope]>([
    [400, 'invalid_request_error', 'invalid_request', false, 'request'],
    [401, 'authentication_error', 'authentication', false, 'key'],
    [402, 'billing_error', 'billing', false, 'key'],
    [403, 'permission_error', 'permission', false, 'key'],
    [404, 'not_found_error', 'not_found', false, 'model'],
    [409, 'conflict_error', 'server', true, 'endpoint'],
    [413, 'request_too_large', 'too_large', false, 'request'],
    [429, 'rate_limit_error', 'rate_limited', true, 'key'],
    [500, 'api_error', 'server', true, 'endpoint'],
    [504, 'timeout_error', 'timeout', true, 'endpoint'],
    [529, 'overloaded_error', 'overloaded', true, 'model'],
  ])('%i %s is %s, retryable: %s, scope: %s', (status, type, kind, retryable, scope) => {
    expect(classify(status, anthropic(type))).toMatchObject({
      kind,
      retryable,
      scope,
      status,
      code: type,
      message: 'No',
      origin: 'upstream',
      requestId: 'req_1',
    })
    expect(classify(status)).toMatchObject({ kind, retryable, scope, status, code: undefined })
  })

  it.each<[number, string, string, FailureKind, boolean]>([
    [429, 'rate_limit_error', 'ramp_limit_exceeded', 'rate_limited', true],
    [429, 'rate_limit_error', 'enforced_spend_limit_reached', 'billing', false],
    [400, 'invalid_request_error', 'contract_spend_limit_reached', 'billing', false],
    [400, 'invalid_request_error', 'linked_organization_spend_limit_reached', 'billing', false],
    [403, 'permission_error', 'organization_on_hold', 'billing', false],
    [400, 'invalid_request_error', 'cmek_key_unreachable', 'server', true],
    [400, 'invalid_request_error', 'cmek_context_unavailable', 'server', true],
    [400, 'invalid_request_error', 'cmek_key_disabled', 'permission', false],
    [400, 'invalid_request_error', 'image_dimensions_too_large', 'invalid_request', false],
    [400, 'invalid_request_error', 'tool_name_conflict', 'invalid_request', false],
  ])('%i %s with error_code %s is %s, retryable: %s', (status, type, code, kind, retryable) => {
    expect(classify(status, anthropic(type, code))).toMatchObject({ kind, retryable, code })
  })

  it.each<[number, string, FailureKind]>([
    [401, 'invalid_request_error', 'authentication'],
    [413, 'invalid_request_error', 'too_large'],
    [429, 'api_error', 'rate_limited'],
    [503, 'api_error', 'overloaded'],
    [500, 'invalid_request_error', 'server'],
  ])('of status %i and the vague type %s goes by its status: %s', (status, type, kind) => {
    expect(classify(status, anthropic(type)).kind).toBe(kind)
  })

  it('goes by a telling type rather than by its status', () => {
    expect(classify(500, anthropic('overloaded_error')).kind).toBe('overloaded')
    expect(classify(400, anthropic('rate_limit_error')).kind).toBe('rate_limited')
  })
})

describe('an HTTP error of OpenAI', () => {
  it.each<[number, string | null, string | null, FailureKind, boolean]>([
    [401, 'invalid_request_error', 'invalid_api_key', 'authentication', false],
    [401, 'invalid_request_error', null, 'authentication', false],
    [404, 'invalid_request_error', 'model_not_found', 'not_found', false],
    [404, 'invalid_request_error', 'unknown_url', 'not_found', false],
    [400, 'invalid_request_error', 'context_length_exceeded', 'invalid_request', false],
    [429, 'tokens', 'rate_limit_exceeded', 'rate_limited', true],
    [429, 'insufficient_quota', 'insufficient_quota', 'billing', false],
    [500, 'server_error', null, 'server', true],
    [503, 'server_error', null, 'overloaded', true],
  ])('%i %s %s is %s, retryable: %s', (status, type, code, kind, retryable) => {
    expect(classify(status, openai(type, code))).toMatchObject({ kind, retryable })
  })

  it('keeps the id of the request', () => {
    expect(classify(500, openai('server_error', null), { 'x-request-id': 'abc' }).requestId).toBe('abc')
  })
})

describe('an HTTP error of OpenRouter', () => {
  it.each<[number, string, FailureKind, boolean]>([
    [400, 'invalid_prompt', 'invalid_request', false],
    [400, 'context_length_exceeded', 'invalid_request', false],
    [401, 'authentication', 'authentication', false],
    [402, 'payment_required', 'billing', false],
    [403, 'permission_denied', 'permission', false],
    [403, 'content_policy_violation', 'refusal', false],
    [404, 'not_found', 'not_found', false],
    [408, 'timeout', 'timeout', true],
    [412, 'precondition_failed', 'invalid_request', false],
    [413, 'payload_too_large', 'too_large', false],
    [422, 'unprocessable', 'invalid_request', false],
    [429, 'rate_limit_exceeded', 'rate_limited', true],
    [500, 'server', 'server', true],
    [502, 'provider_unavailable', 'server', true],
    [503, 'provider_overloaded', 'overloaded', true],
    [524, 'unmapped', 'timeout', true],
    [529, 'provider_overloaded', 'overloaded', true],
  ])('%i %s is %s, retryable: %s', (status, type, kind, retryable) => {
    expect(classify(status, openrouter(status, type))).toMatchObject({ kind, retryable, status })
    const newer = { error: { error_type: type, http_status: status, message: 'No' } }
    expect(classify(status, newer)).toMatchObject({ kind, retryable, status, code: type })
  })

  it.each<[string, number, boolean, FailureKind]>([
    ['capacity_exhausted', 429, true, 'rate_limited'],
    ['temporarily_unavailable', 503, true, 'overloaded'],
    ['model_not_found', 404, false, 'not_found'],
    ['wrong_endpoint', 404, false, 'not_found'],
    ['no_endpoints', 404, false, 'not_found'],
    ['model_deprecated', 404, false, 'not_found'],
    ['model_unavailable_upstream', 503, false, 'not_found'],
    ['region_restricted', 403, false, 'permission'],
    ['privacy_restricted', 404, false, 'permission'],
    ['constraint_filtered', 503, false, 'not_found'],
    ['free_variant_ended', 404, false, 'not_found'],
  ])('with availability %s (%i), retryable: %s, is %s', (code, status, retryable, kind) => {
    expect(classify(status, availability(code, retryable, status))).toMatchObject({ kind, retryable, code })
  })

  it('obeys availability.retryable whatever the code', () => {
    expect(classify(503, availability('capacity_exhausted', false, 503)).retryable).toBe(false)
    expect(classify(404, availability('no_endpoints', true, 404)).retryable).toBe(true)
  })

  it.each([402, 503, 524, 529])('with a number alone goes by its status %i', (status) => {
    expect(classify(status, { error: { code: status, message: 'No' } }).kind).toBe(classify(status).kind)
  })
})

describe('an HTTP error of a local server', () => {
  it('of Ollama may be a text', () => {
    expect(classify(404, { error: "model 'llama9' not found" })).toMatchObject({
      kind: 'not_found',
      message: "model 'llama9' not found",
      retryable: false,
    })
  })

  it('of llama.cpp that still loads its model is overloaded', () => {
    const error = { code: 503, message: 'Loading model', type: 'unavailable_error' }
    expect(classify(503, { error })).toMatchObject({ kind: 'overloaded', retryable: true })
  })

  it('of vLLM is told by its status', () => {
    const error = { message: 'No', type: 'NotFoundError', param: null, code: 404 }
    expect(classify(404, { error })).toMatchObject({ kind: 'not_found', code: 'NotFoundError' })
  })
})

describe('an HTTP error without a body that helps', () => {
  it.each([
    ['no body', undefined],
    ['null', null],
    ['a text', 'Bad gateway'],
    ['a list', [1]],
    ['an object of another form', { gate: 'No' }],
    ['an error that is null', { error: null }],
    ['codes that are properties of every object', { error: { type: 'constructor', code: 'toString' } }],
  ])('(%s) is told by its status', (_, body) => {
    expect(classify(502, body)).toMatchObject({
      kind: 'server',
      retryable: true,
      message: 'the upstream answered with status 502',
    })
  })

  it.each<[number, FailureKind, boolean]>([
    [301, 'server', false],
    [408, 'timeout', true],
    [410, 'not_found', false],
    [418, 'invalid_request', false],
    [422, 'invalid_request', false],
    [425, 'server', true],
    [501, 'server', true],
    [503, 'overloaded', true],
    [520, 'server', true],
    [524, 'timeout', true],
  ])('%i is %s, retryable: %s', (status, kind, retryable) => {
    expect(classify(status)).toMatchObject({ kind, retryable })
  })

  it('carries a message of bounded length', () => {
    expect(classify(500, { error: { message: 'x'.repeat(10_000) } }).message.length).toBeLessThanOrEqual(501)
  })
})

describe('headers of an HTTP error', () => {
  it('say whether to retry, before anything else', () => {
    expect(classify(400, anthropic('invalid_request_error'), { 'x-should-retry': 'true' }).retryable).toBe(
      true,
    )
    expect(classify(529, anthropic('overloaded_error'), { 'x-should-retry': 'false' }).retryable).toBe(false)
    expect(classify(503, availability('x', true, 503), { 'x-should-retry': 'false' }).retryable).toBe(false)
    expect(classify(529, undefined, { 'x-should-retry': 'maybe' }).retryable).toBe(true)
  })

  it('say how long to wait, before the body', () => {
    const body = { error: { availability: { code: 'capacity_exhausted', retryable: true, retry_after: 9 } } }
    expect(classify(429, body, { 'retry-after': '3' }).retryAfterMs).toBe(3000)
    expect(classify(429, body).retryAfterMs).toBe(9000)
    expect(classify(429, undefined, { 'retry-after': 'later' }).retryAfterMs).toBeUndefined()
  })

  it('carry the id of the request, before the body', () => {
    expect(classify(500, anthropic('api_error'), { 'request-id': 'req_2' }).requestId).toBe('req_2')
  })
})

describe('an error inside a 200', () => {
  it.each<[string, unknown, object]>([
    [
      'of Anthropic',
      anthropic('overloaded_error'),
      { kind: 'overloaded', retryable: true, requestId: 'req_1', status: undefined },
    ],
    ['of Anthropic with a vague type', anthropic('api_error'), { kind: 'server', retryable: true }],
    [
      'of Anthropic that is the fault of the request',
      anthropic('invalid_request_error'),
      { kind: 'invalid_request', retryable: false },
    ],
    [
      'of OpenRouter with a code',
      openrouter(429, 'rate_limit_exceeded'),
      { kind: 'rate_limited', status: 429 },
    ],
    [
      'of OpenRouter with a code alone',
      { error: { code: 524, message: 'No' } },
      { kind: 'timeout', status: 524 },
    ],
    [
      'of OpenRouter inside a choice',
      { choices: [{ finish_reason: 'error', error: { code: 502, message: 'Down' } }] },
      { kind: 'server', status: 502, message: 'Down' },
    ],
    ['of Ollama', { error: 'out of memory' }, { kind: 'server', message: 'out of memory' }],
    ['of no form at all', undefined, { kind: 'server', retryable: true }],
  ])('%s is classified', (_, body, failure) => {
    expect(classifyErrorBody(body)).toMatchObject({ origin: 'upstream', ...failure })
  })

  it.each<[string, unknown, boolean]>([
    ['the shape of Anthropic', anthropic('api_error'), true],
    ['the shape of OpenAI', openai('server_error', null), true],
    ['a text', { error: 'out of memory' }, true],
    ['a choice that ended with an error', { choices: [{ finish_reason: 'error' }] }, true],
    ['a choice that carries an error', { choices: [{ finish_reason: null, error: { code: 502 } }] }, true],
    ['an answer', { type: 'message', content: [], error: null }, false],
    ['choices that are well', { choices: [{ finish_reason: 'stop', error: null }] }, false],
    ['no object', 'error', false],
  ])('is recognised in %s', (_, body, isError) => {
    expect(isErrorBody(body)).toBe(isError)
  })
})

describe('what an upstream says that nobody can use', () => {
  it.each(['req_\u2713', 'two words', 'a\r\nset-cookie: b', 'x'.repeat(257), '', 7])(
    'an id that no header takes is none: %j',
    (request_id) => {
      const body = { ...anthropic('api_error'), request_id }
      expect(classify(500, body).requestId).toBeUndefined()
      expect(classifyErrorBody(body).requestId).toBeUndefined()
      expect(classify(500, body, { 'request-id': 'caf\u00e9', 'x-request-id': 'req_2' }).requestId).toBe(
        'req_2',
      )
    },
  )

  it.each([
    [9, 9_000],
    [1e308, 24 * 86_400_000],
    [777_600_000, 24 * 86_400_000],
    [-1, undefined],
    ['9', undefined],
  ])('a wait of %j seconds in a body is one of %j ms', (retry_after, ms) => {
    const body = { error: { availability: { code: 'capacity_exhausted', retry_after } } }
    expect(classify(429, body).retryAfterMs).toBe(ms)
    expect(classifyErrorBody(body).retryAfterMs).toBe(ms)
  })

  it.each(['x'.repeat(257), 'a\u001b[2J', 'a\0', '\ud800', 5, null])(
    'a code that is no name is none: %j',
    (type) => {
      expect(classify(500, { type: 'error', error: { type, message: 'No' } })).toMatchObject({
        kind: 'server',
        code: undefined,
      })
    },
  )

  it('a message is cut, and loses what would act on a terminal', () => {
    const message = `\u001b[2J${'x'.repeat(1_000_000)}`
    const failure = classify(500, { error: { message } })
    expect(failure.message).toMatch(/^\ufffd\[2Jx{496}\u2026$/)
  })
})

describe('money that is used up at Anthropic, told in words alone', () => {
  const says = (message: string): object => ({
    type: 'error',
    error: { type: 'invalid_request_error', message },
  })

  it.each([
    'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
    'You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.',
    'You have reached your specified workspace API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.',
    'This organization has been disabled.',
  ])('is billing of the key: %s', (message) => {
    expect(classify(400, says(message))).toMatchObject({
      kind: 'billing',
      scope: 'key',
      retryable: false,
      status: 400,
      message,
    })
  })

  it('is over at the date that it names', () => {
    const message =
      'You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.'
    expect(classify(400, says(message)).retryAfterMs).toBe(Date.UTC(2026, 11, 1) - epoch)
    const nonsense = message.replace('2026-12-01', '2026-99-99')
    expect(classify(400, says(nonsense))).toMatchObject({ kind: 'billing', retryAfterMs: undefined })
  })

  it('is looked for where a message begins, and only where the code says too little', () => {
    const quoted = 'messages.0: "Your credit balance is too low" is not allowed'
    expect(classify(400, says(quoted)).kind).toBe('invalid_request')
    const other = {
      type: 'error',
      error: { type: 'not_found_error', message: 'This organization has been disabled.' },
    }
    expect(classify(404, other).kind).toBe('not_found')
  })
})

describe('an error of OpenRouter that concerns one request', () => {
  it('is a refusal where the prompt was flagged', () => {
    const metadata = { reasons: ['violence'], flagged_input: 'x', provider_name: 'p' }
    const error = {
      code: 403,
      message: 'Your chosen model requires moderation and your input was flagged',
      metadata,
    }
    expect(classify(403, { error })).toMatchObject({ kind: 'refusal', scope: 'request', retryable: false })
  })

  it.each([
    'This request requires more credits, or fewer max_tokens. You requested up to 64000 tokens, but can only afford 1200.',
    'You requested up to 100000 tokens, but can only afford 100',
  ])('is billing of the request where it asks for more than the balance covers: %s', (message) => {
    expect(classify(402, { error: { code: 402, message } })).toMatchObject({
      kind: 'billing',
      scope: 'request',
    })
    expect(classify(402, { error: { code: 402, message: 'Insufficient credits' } }).scope).toBe('key')
  })

  it('tells of its daily limit inside the body', () => {
    const headers = { 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': String(epoch + 6 * 3_600_000) }
    const error = { code: 429, message: 'Rate limit exceeded: free-models-per-day', metadata: { headers } }
    expect(classify(429, { error })).toMatchObject({ kind: 'rate_limited', retryAfterMs: 6 * 3_600_000 })
  })
})

it('a page of a firewall concerns the request, an error of the vendor the key', () => {
  expect(classify(403, undefined, { 'content-type': 'text/html; charset=UTF-8' })).toMatchObject({
    kind: 'permission',
    scope: 'request',
  })
  expect(classify(403, undefined).scope).toBe('key')
})

describe('an error of OpenAI about money', () => {
  it.each([
    'credit_balance_exhausted',
    'organization_usage_limit_exceeded',
    'organization_spend_limit_exceeded',
    'project_spend_limit_exceeded',
    'billing_hard_limit_reached',
    'billing_not_active',
  ])('is billing: %s', (code) => {
    expect(classify(429, openai('rate_limit_exceeded', code))).toMatchObject({
      kind: 'billing',
      scope: 'key',
      retryable: false,
    })
  })
})

describe('an error of AWS', () => {
  it.each<[number, string, FailureKind, boolean]>([
    [400, 'ServiceQuotaExceededException', 'rate_limited', true],
    [400, 'ValidationException', 'invalid_request', false],
    [403, 'AccessDeniedException', 'permission', false],
    [403, 'ExpiredTokenException', 'authentication', false],
    [404, 'ResourceNotFoundException', 'not_found', false],
    [408, 'ModelTimeoutException', 'timeout', true],
    [424, 'ModelErrorException', 'server', true],
    [424, 'ModelStreamErrorException', 'server', true],
    [429, 'ThrottlingException', 'rate_limited', true],
    [429, 'ModelNotReadyException', 'overloaded', true],
    [500, 'InternalServerException', 'server', true],
    [503, 'ServiceUnavailableException', 'overloaded', true],
  ])('%i %s is %s, retryable: %s, wherever its name is given', (status, name, kind, retryable) => {
    const expected = { kind, retryable, message: 'No', code: name, requestId: 'aws-1' }
    const id = { 'x-amzn-requestid': 'aws-1' }
    const address = 'http://internal.amazon.com/coral/com.amazon.bedrock/'
    expect(
      classify(status, { message: 'No' }, { ...id, 'x-amzn-errortype': `${name}:${address}` }),
    ).toMatchObject(expected)
    expect(classify(status, { Message: 'No', __type: `com.amazon.bedrock#${name}` }, id)).toMatchObject(
      expected,
    )
    expect(classify(status, { message: 'No', code: name }, id)).toMatchObject(expected)
  })

  it('of a stream has a small first letter', () => {
    expect(
      classifyErrorBody({ type: 'error', error: { type: 'throttlingException', message: 'No' } }),
    ).toMatchObject({
      kind: 'rate_limited',
      message: 'No',
    })
  })
})

describe('an error of Google', () => {
  it.each<[number, string, FailureKind]>([
    [400, 'INVALID_ARGUMENT', 'invalid_request'],
    [400, 'FAILED_PRECONDITION', 'invalid_request'],
    [401, 'UNAUTHENTICATED', 'authentication'],
    [403, 'PERMISSION_DENIED', 'permission'],
    [404, 'NOT_FOUND', 'not_found'],
    [429, 'RESOURCE_EXHAUSTED', 'rate_limited'],
    [500, 'INTERNAL', 'server'],
    [503, 'UNAVAILABLE', 'overloaded'],
    [504, 'DEADLINE_EXCEEDED', 'timeout'],
  ])('%i %s is %s', (code, status, kind) => {
    expect(classify(code, { error: { code, message: 'No', status } })).toMatchObject({ kind, message: 'No' })
  })

  it('says in its details when to come again, that a key is invalid, and that nothing is paid for', () => {
    const retry = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.5s' }
    const error = { code: 429, message: 'No', status: 'RESOURCE_EXHAUSTED', details: [retry] }
    expect(classify(429, { error }).retryAfterMs).toBe(34_500)
    const info = { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' }
    const invalid = { code: 400, message: 'No', status: 'INVALID_ARGUMENT', details: [info] }
    expect(classify(400, { error: invalid }).kind).toBe('authentication')
    const unpaid = {
      ...{ code: 403, message: 'No', status: 'PERMISSION_DENIED' },
      details: [{ ...info, reason: 'BILLING_DISABLED' }],
    }
    expect(classify(403, { error: unpaid })).toMatchObject({
      kind: 'billing',
      retryable: false,
      scope: 'key',
    })
  })
})

describe('an error of Azure', () => {
  it('of its content filter is a refusal, also inside a 200', () => {
    const error = {
      code: 'content_filter',
      status: 400,
      message: 'No',
      innererror: { code: 'ResponsibleAIPolicyViolation' },
    }
    expect(classify(400, { error }).kind).toBe('refusal')
    expect(classifyErrorBody({ error })).toMatchObject({ kind: 'refusal', status: 400, retryable: false })
    expect(classifyErrorBody({ error: { status: 400, message: 'No' } }).kind).toBe('invalid_request')
  })

  it('names a role that is missing, with the status of an unknown token', () => {
    const error = { code: 'PermissionDenied', message: 'No' }
    expect(classify(401, { error })).toMatchObject({ kind: 'permission', retryable: false, scope: 'key' })
  })

  it('has its status as a text at times', () => {
    expect(
      classify(429, { error: { code: '429', message: 'No' } }, { 'apim-request-id': 'az-1' }),
    ).toMatchObject({
      kind: 'rate_limited',
      requestId: 'az-1',
    })
  })
})

describe('an error without an error object', () => {
  it.each([
    ['FastAPI', { detail: 'No' }],
    ['FastAPI, of a field', { detail: [{ loc: ['body'], msg: 'No', type: 'missing' }] }],
    ['vLLM and SGLang', { object: 'error', message: 'No', type: 'BadRequestError', param: null, code: 400 }],
    ['an API gateway', { statusCode: 400, message: 'No' }],
  ])('of %s keeps its message', (_, body) => {
    expect(classify(400, body)).toMatchObject({ kind: 'invalid_request', message: 'No' })
    if (!('statusCode' in body)) expect(isErrorBody(body)).toBe(true)
  })
})

describe('what nothing but the status says', () => {
  it.each<[number, string]>([
    [300, 'a redirect (300)'],
    [307, 'a redirect (307)'],
    [399, 'a redirect (399)'],
    [304, 'status 304'],
    [299, 'status 299'],
    [400, 'status 400'],
  ])('%i is told as %s', (status, words) => {
    expect(classify(status).message).toContain(words)
  })

  it.each([
    [299, true],
    [300, false],
    [399, false],
    [600, true],
  ])('%i may go away: %s', (status, retryable) => {
    expect(classify(status)).toMatchObject({ kind: 'server', retryable })
  })

  it('an error inside a 200 has words without a message, too', () => {
    expect(classifyErrorBody({}).message).toBe('the upstream reported an error inside its answer')
  })
})

it.each<[string, number, FailureScope]>([
  ['text/html', 403, 'request'],
  [' text/html; charset=utf-8', 403, 'request'],
  ['TEXT/HTML', 403, 'request'],
  ['text/htmlx', 403, 'key'],
  ['application/x+text/html', 403, 'key'],
  ['application/json', 403, 'key'],
  ['text/html', 401, 'key'],
])('a body of type %j with status %i concerns the %s', (type, status, scope) => {
  expect(classify(status, undefined, { 'content-type': type }).scope).toBe(scope)
})

describe('the phase of a timeout', () => {
  it('is that of the headers with a status, and of the first content inside a 200', () => {
    expect(classify(504).phase).toBe('headers')
    expect(classify(500).phase).toBeUndefined()
    expect(classifyErrorBody(anthropic('timeout_error')).phase).toBe('first_content')
    expect(classifyErrorBody(anthropic('api_error')).phase).toBeUndefined()
  })
})

it('a limit that says in its headers when it is over is waited for until then, and no other error', () => {
  const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(epoch + 90_000) }
  expect(classify(429, anthropic('rate_limit_error'), headers).retryAfterMs).toBe(90_000)
  expect(classify(529, anthropic('overloaded_error'), headers).retryAfterMs).toBeUndefined()
})

it('an error inside a 200 speaks of the request alone where its words do', () => {
  const error = { code: 402, message: 'This request requires more credits, or fewer max_tokens.' }
  expect(classifyErrorBody({ error }).scope).toBe('request')
  expect(classifyErrorBody(anthropic('overloaded_error')).scope).toBe('model')
})

describe('a body that came with a 200', () => {
  const choice = { index: 0, message: { content: 'Hi' }, finish_reason: 'stop' }
  it.each<[string, unknown, boolean]>([
    ['an error by its type alone', { type: 'error' }, true],
    ['an error by its object alone', { object: 'error' }, true],
    ['a message', { type: 'message', content: [] }, false],
    ['a message with a detail', { content: [], detail: 'x' }, false],
    ['a detail alone', { detail: 'x' }, true],
    [
      'an answer of which one choice failed',
      { choices: [choice, { ...choice, finish_reason: 'error' }] },
      true,
    ],
    ['an answer with a detail', { choices: [choice], detail: 'x' }, false],
  ])('is an error or none: %s', (_what, body, isError) => {
    expect(isErrorBody(body)).toBe(isError)
  })
})

describe('the form of an error', () => {
  const error = { type: 'api_error', message: 'No' }
  it.each<[unknown, boolean, boolean]>([
    [{ type: 'error', error }, true, true],
    [{ error }, false, true],
    [{ type: 'message', error }, false, true],
    [{ type: 'error', error: { message: 'No' } }, false, true],
    [{ type: 'error', error: { type: 'api_error' } }, false, false],
    [{ type: 'error', message: 'No' }, false, false],
    [{ type: 'error', error: 'No' }, false, false],
    [undefined, false, false],
  ])('of %j is Anthropic’s: %s, OpenAI’s: %s', (body, isAnthropic, isOpenAi) => {
    expect([isErrorOf('anthropic', body), isErrorOf('openai', body)]).toEqual([isAnthropic, isOpenAi])
  })
})
