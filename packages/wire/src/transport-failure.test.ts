import type { Failure } from '@spillway/middleware'
import type { TimeoutPhase } from '@spillway/middleware/kit'
import { describe, expect, it } from 'vitest'
import {
  cancelledFailure,
  faultFailure,
  isTransportError,
  malformedFailure,
  timeoutFailure,
  transportFailure,
  truncatedFailure,
} from './transport-failure.ts'

const withCode = (code: string, cause?: unknown): Error =>
  Object.assign(new Error('secret detail', { cause }), { code })

describe('what a transport throws', () => {
  it.each<[string, Partial<Failure>]>([
    ['ECONNREFUSED', { kind: 'connection', retryable: true }],
    ['ECONNRESET', { kind: 'connection', retryable: true }],
    ['EPIPE', { kind: 'connection', retryable: true }],
    ['EAI_AGAIN', { kind: 'connection', retryable: true }],
    ['UND_ERR_SOCKET', { kind: 'connection', retryable: true }],
    ['UND_ERR_CONNECT_TIMEOUT', { kind: 'timeout', phase: 'connect', retryable: true }],
    ['ETIMEDOUT', { kind: 'timeout', phase: 'connect', retryable: true }],
    ['UND_ERR_HEADERS_TIMEOUT', { kind: 'timeout', phase: 'headers', retryable: false }],
    ['UND_ERR_BODY_TIMEOUT', { kind: 'timeout', phase: 'idle', retryable: false }],
    ['HPE_INVALID_CONSTANT', { kind: 'malformed', retryable: true }],
    ['UND_ERR_HEADERS_OVERFLOW', { kind: 'malformed', retryable: true }],
    ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', { kind: 'malformed', retryable: true }],
    ['ERR_ASSERTION', { kind: 'malformed', retryable: true }],
    ['ERR_CONTENT_DECODING', { kind: 'malformed', retryable: true }],
    ['Z_DATA_ERROR', { kind: 'malformed', retryable: true }],
    ['ENOTFOUND', { kind: 'connection', retryable: false }],
    ['CERT_HAS_EXPIRED', { kind: 'connection', retryable: false }],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', { kind: 'connection', retryable: false }],
    ['SELF_SIGNED_CERT_IN_CHAIN', { kind: 'connection', retryable: false }],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', { kind: 'connection', retryable: false }],
    ['ERR_TLS_CERT_ALTNAME_INVALID', { kind: 'connection', retryable: false }],
    ['ERR_INVALID_URL', { kind: 'connection', retryable: false }],
  ])('with code %s is classified', (code, failure) => {
    expect(transportFailure(withCode(code))).toMatchObject({
      ...failure,
      code,
      scope: 'endpoint',
      origin: 'upstream',
    })
  })

  it('is told by the code of a cause, as below the TypeError of a fetch', () => {
    const error = new TypeError('fetch failed', {
      cause: new Error('outer', { cause: withCode('ECONNREFUSED') }),
    })
    expect(transportFailure(error).code).toBe('ECONNREFUSED')
  })

  it('is told by the outermost code', () => {
    expect(transportFailure(withCode('UND_ERR_SOCKET', withCode('ECONNRESET'))).code).toBe('UND_ERR_SOCKET')
  })

  it('is malformed HTTP where undici says so by name alone', () => {
    const error = Object.assign(new Error('Expected HTTP/'), { name: 'HTTPParserError' })
    expect(transportFailure(new TypeError('fetch failed', { cause: error }))).toMatchObject({
      kind: 'malformed',
      code: 'HPE_INVALID',
      retryable: true,
    })
  })

  it('is malformed HTTP where a parser refuses a header in the words for one that cannot be sent', () => {
    const message = 'Response does not match the HTTP/1.1 protocol (Invalid header value char)'
    const error = Object.assign(new Error(message), { name: 'HTTPParserError' })
    expect(transportFailure(error)).toMatchObject({ kind: 'malformed', code: 'HPE_INVALID' })
  })

  it('may be a circle of causes', () => {
    const error = new Error('a')
    error.cause = error
    expect(transportFailure(error)).toMatchObject({ kind: 'connection', retryable: true, code: undefined })
  })

  it.each([undefined, null, 'text', 7, {}, new Error('no code'), { code: 7 }])(
    'may be anything: %s',
    (thrown) => {
      expect(transportFailure(thrown)).toMatchObject({ kind: 'connection', retryable: true })
    },
  )

  it('is not quoted, since it may hold a secret', () => {
    expect(transportFailure(withCode('ECONNRESET')).message).not.toContain('secret')
  })
})

describe("Spillway's own time limits", () => {
  it.each<[TimeoutPhase, boolean]>([
    ['connect', true],
    ['headers', true],
    ['first_content', true],
    ['idle', true],
    ['attempt', true],
    ['total', false],
    ['stream', true],
  ])('%s: retryable %s', (phase, retryable) => {
    expect(timeoutFailure(phase, 1500)).toMatchObject({
      kind: 'timeout',
      phase,
      retryable,
      scope: 'endpoint',
    })
    expect(timeoutFailure(phase, 1500).message).toMatch(/ within 1500 ms$/)
    expect(timeoutFailure(phase, undefined).message).toMatch(/ in time$/)
    expect(timeoutFailure(phase, Infinity).message).toMatch(/ in time$/)
  })
})

it('makes retryable failures of a truncated stream and of a malformed answer', () => {
  expect(truncatedFailure()).toMatchObject({ kind: 'truncated', retryable: true, scope: 'endpoint' })
  expect(malformedFailure('why')).toMatchObject({ kind: 'malformed', retryable: true, message: 'why' })
})

it('makes no retry of a call that was cancelled', () => {
  expect(cancelledFailure()).toMatchObject({ kind: 'cancelled', retryable: false, scope: 'request' })
})

describe('whether a transport or the program has failed', () => {
  const cause = withCode('ECONNRESET')
  it.each<[string, unknown]>([
    ['a code of the network', cause],
    [
      'a code further in',
      new Error('outer', { cause: Object.assign(new Error('x', { cause }), { code: 'MINE' }) }),
    ],
    ['several errors at once', new TypeError('fetch failed', { cause: new AggregateError([cause]) })],
    ['a certificate', withCode('CERT_HAS_EXPIRED')],
    ['words alone', new TypeError('Failed to fetch')],
    ['a parser that broke', new TypeError('fetch failed', { cause: withCode('ERR_ASSERTION') })],
    ['a time limit', new DOMException('x', 'TimeoutError')],
    ['a header that cannot be sent', new TypeError('Headers.append: "x\u2026" is an invalid header value.')],
  ])('%s is of the transport', (_, error) => {
    expect(isTransportError(error)).toBe(true)
  })

  it.each<[string, unknown]>([
    ['a mistake', new TypeError("Cannot read properties of undefined (reading 'headers')")],
    ['an assertion', withCode('ERR_ASSERTION')],
    ['a missing file', withCode('ENOENT')],
    ['an unknown scheme', new TypeError('fetch failed', { cause: new Error('unknown scheme') })],
    ['an invalid URL', new TypeError('Failed to parse URL', { cause: withCode('ERR_INVALID_URL') })],
    ['an option', new TypeError('fetch failed', { cause: withCode('UND_ERR_INVALID_ARG') })],
    ['no error', 'ECONNRESET'],
    ['nothing', undefined],
  ])('%s is of the program', (_, error) => {
    expect(isTransportError(error)).toBe(false)
  })

  it('may be a circle of causes', () => {
    const error = new Error('a')
    error.cause = error
    expect(isTransportError(error)).toBe(false)
  })

  it('a fetch that aborts by itself has timed out', () => {
    expect(transportFailure(new DOMException('x', 'AbortError'))).toMatchObject({
      kind: 'timeout',
      phase: 'attempt',
      retryable: true,
    })
  })

  it.each([
    [407, false],
    [502, true],
  ])('a proxy that answers %i opens no connection', (status, retryable) => {
    const error = new DOMException(`Proxy response (${status}) !== 200 when HTTP Tunneling`, 'AbortError')
    const failure = { kind: 'connection', retryable, message: expect.stringContaining(`${status}`) }
    expect(transportFailure(error)).toMatchObject(failure)
    expect(transportFailure(new TypeError('fetch failed', { cause: error }))).toMatchObject(failure)
  })

  it('what a program throws is not quoted', () => {
    expect(faultFailure(new Error('sk-secret'))).toMatchObject({
      kind: 'invalid_request',
      origin: 'spillway',
    })
    expect(faultFailure(new Error('sk-secret')).message).not.toContain('sk-secret')
    expect(faultFailure('sk-secret').message).not.toContain('sk-secret')
  })
})
