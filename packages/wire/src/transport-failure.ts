import type { Failure } from '@spillway/middleware'
import type { TimeoutPhase } from '@spillway/middleware/kit'
import { failureKinds } from './failure-kinds.ts'
import { isCutByFetch, isNetworkCode, isNetworkError, transportCode } from './transport-error.ts'

/** Certificates do not mend themselves between two attempts. */
const hopeless = /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_TLS_CERT|ERR_INVALID_URL|ENOTFOUND$)/

/** Time limits of the transport's own, and of the system below it. */
const timeoutPhases: ReadonlyMap<string, TimeoutPhase> = new Map([
  ['UND_ERR_CONNECT_TIMEOUT', 'connect'],
  ['ETIMEDOUT', 'connect'],
  ['UND_ERR_HEADERS_TIMEOUT', 'headers'],
  ['UND_ERR_BODY_TIMEOUT', 'idle'],
])

/** The request itself cannot be sent: a header with a character that HTTP has no place for, above all. */
const unsendableCodes =
  /^(UND_ERR_INVALID_ARG|ERR_INVALID_CHAR|ERR_INVALID_ARG_\w+|ERR_INVALID_HTTP_TOKEN|ERR_HTTP_INVALID_HEADER_VALUE)$/

/** How a fetch and its `Headers` say so. */
const unsendableMessages =
  /\bByteString\b|\binvalid header (name|value|content)\b|\binvalid [\w-]+ header$|^Invalid character in header\b|^Header name must be|\bis not a legal HTTP header\b/i

/** What is wrong with bytes that came, where that is what is wrong. */
const malformedMessages: readonly (readonly [codes: RegExp, message: string])[] = [
  [/^UND_ERR_HEADERS_OVERFLOW$/, 'the upstream sent headers beyond any size'],
  [/^(ERR_CONTENT_DECODING|Z_\w+)$/, 'the upstream sent a body that is not encoded as it says'],
  [/^ERR_INTERIM_RESPONSES$/, 'the upstream sent interim responses and nothing else'],
  // undici asserts what its parser should have refused, such as a status below 100.
  [/^(HPE_\w+|UND_ERR_RES_CONTENT_LENGTH_MISMATCH|ERR_ASSERTION)$/, 'the upstream sent invalid HTTP'],
]

/** Classifies what a transport threw: undici's and Node's error codes, also below a fetch's `TypeError`. */
export function transportFailure(error: unknown): Failure {
  const code = transportCode(error)
  const phase = timeoutPhases.get(code ?? '')
  if (phase !== undefined)
    return phase === 'connect' ? { ...timeoutFailure(phase, undefined), code } : cut(phase, code)
  if (isUnsendable(error, code)) return unsendable(error)
  const proxyStatus = refusalOfProxy(error)
  if (proxyStatus !== undefined) return refusedByProxy(proxyStatus)
  if (isCutByFetch(error)) return cutByFetch()
  const malformed = malformedMessages.find(([codes]) => codes.test(code ?? ''))?.[1]
  const kind = malformed === undefined ? 'connection' : 'malformed'
  return {
    kind,
    message: `${malformed ?? 'the connection to the upstream failed'}${code === undefined ? '' : ` (${code})`}`,
    retryable: code === undefined || !hopeless.test(code),
    scope: failureKinds[kind].scope,
    origin: 'upstream',
    code,
  }
}

/**
 * The transport's own limit cut a request that the vendor was at work on, and bills: Node's `fetch` does so after 300 s
 * without headers, and after 300 s without a chunk. Asking again would be cut again.
 */
function cut(phase: TimeoutPhase, code: string | undefined): Failure {
  return {
    ...timeoutFailure(phase, undefined),
    message: `${phases[phase]} within the transport's own limit (${code}; Node's fetch has 300 s): use a client of @spillway/core-client, or a fetch whose dispatcher allows more`,
    retryable: false,
    code,
  }
}

/**
 * Whether a transport has failed because of the network, the upstream or a header that cannot be sent, by what it threw: all
 * of these are failures of the call. Anything else is an error of the program, such as an exception in a wrapper around a
 * `fetch`.
 */
export function isTransportError(error: unknown): boolean {
  return isNetworkError(error) || isUnsendableText(error)
}

/** Of an answer's headers, which parsers refuse in the same words, the code says that they came from the network. */
function isUnsendable(error: unknown, code: string | undefined): boolean {
  if (code !== undefined && unsendableCodes.test(code)) return true
  return !isNetworkCode(code) && isUnsendableText(error)
}

function isUnsendableText(error: unknown): boolean {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    if (unsendableMessages.test(cause.message)) return true
  }
  return false
}

/** The status of a proxy that opens no tunnel. undici says so by an `AbortError`, as if the caller had left. */
function refusalOfProxy(error: unknown): string | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    const status = /^Proxy response \((\d{3})\) !== 200/.exec(cause.message)?.[1]
    if (status !== undefined) return status
  }
  return undefined
}

/** A password that is wrong stays wrong; what else a proxy refuses, it may refuse for a moment. */
function refusedByProxy(status: string): Failure {
  return {
    kind: 'connection',
    message: `the proxy refused to connect to the upstream (${status})`,
    retryable: status !== '407',
    scope: failureKinds.connection.scope,
    origin: 'upstream',
  }
}

/** Not by Spillway's limits, which would have said so: a wrapper has its own. */
function cutByFetch(): Failure {
  return {
    ...timeoutFailure('attempt', undefined),
    message: 'the fetch that was given to Spillway aborted the request by itself',
  }
}

/** The program has failed, not the upstream: an exception in a wrapper around a `fetch`, above all. It is not quoted. */
export function faultFailure(error: unknown): Failure {
  const name = error instanceof Error ? error.name : typeof error
  return {
    kind: 'invalid_request',
    message: `the request was not sent, or its answer not read, because of an exception in the program (${name})`,
    retryable: false,
    scope: failureKinds.invalid_request.scope,
    origin: 'spillway',
  }
}

/** The error's own text stays out of it: it may quote the header, and that may be the key. */
function unsendable(error: unknown): Failure {
  const name = error instanceof Error ? error.name : 'unknown error'
  return {
    kind: 'invalid_request',
    message: `the request cannot be sent; does a header, the key for instance, hold a character that HTTP does not allow? (${name})`,
    retryable: false,
    scope: failureKinds.invalid_request.scope,
    origin: 'upstream',
  }
}

const phases: Readonly<Record<TimeoutPhase, string>> = {
  connect: 'no connection',
  headers: 'no response headers',
  first_content: 'no first content',
  idle: 'nothing more arrived',
  attempt: 'the attempt was not answered',
  total: 'no answer',
  stream: 'the stream was not complete',
}

/** One of Spillway's own limits ran out. */
export function timeoutFailure(phase: TimeoutPhase, limitMs: number | undefined): Failure {
  const within =
    limitMs === undefined || !Number.isFinite(limitMs) ? 'in time' : `within ${Math.round(limitMs)} ms`
  return {
    kind: 'timeout',
    phase,
    message: `${phases[phase]} ${within}`,
    retryable: phase !== 'total',
    scope: failureKinds.timeout.scope,
    origin: 'upstream',
  }
}

/** A stream that ended before its protocol's end. */
export function truncatedFailure(): Failure {
  return plainFailure('truncated', 'the stream ended before it was complete')
}

/** A success that is none: empty, or not of the protocol's form. */
export function malformedFailure(message: string): Failure {
  return plainFailure('malformed', message)
}

/** The caller has left. */
export function cancelledFailure(): Failure {
  return { ...plainFailure('cancelled', 'the caller cancelled the call'), retryable: false }
}

function plainFailure(kind: 'truncated' | 'malformed' | 'cancelled', message: string): Failure {
  return { kind, message, retryable: true, scope: failureKinds[kind].scope, origin: 'upstream' }
}
