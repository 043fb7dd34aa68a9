import type { Api, Failure, FailureKind, ResponseHeaders } from '@spillway/middleware'
import { boundedWait } from './retry-after.ts'
import { idOf } from './upstream-text.ts'

/** Status and error type of each kind in each protocol. */
const table: Readonly<Record<FailureKind, readonly [status: number, anthropic: string, openai: string]>> = {
  overloaded: [529, 'overloaded_error', 'server_error'],
  rate_limited: [429, 'rate_limit_error', 'rate_limit_exceeded'],
  timeout: [504, 'timeout_error', 'timeout'],
  connection: [502, 'api_error', 'server_error'],
  server: [502, 'api_error', 'server_error'],
  invalid_request: [400, 'invalid_request_error', 'invalid_request_error'],
  authentication: [401, 'authentication_error', 'invalid_api_key'],
  permission: [403, 'permission_error', 'permission_denied'],
  billing: [402, 'billing_error', 'insufficient_quota'],
  not_found: [404, 'not_found_error', 'not_found'],
  too_large: [413, 'request_too_large', 'invalid_request_error'],
  refusal: [400, 'invalid_request_error', 'content_policy_violation'],
  truncated: [502, 'api_error', 'server_error'],
  malformed: [502, 'api_error', 'server_error'],
  cancelled: [499, 'api_error', 'server_error'],
  circuit_open: [503, 'overloaded_error', 'server_error'],
  saturated: [429, 'rate_limit_error', 'rate_limit_exceeded'],
  budget_exceeded: [429, 'rate_limit_error', 'insufficient_quota'],
  unfit: [400, 'invalid_request_error', 'invalid_request_error'],
}

const encoder = new TextEncoder()

/** An error in a protocol's own shape. */
export interface RenderedError {
  readonly status: number
  readonly headers: ResponseHeaders
  readonly body: Uint8Array
}

/** The HTTP status that a failure has in `api`, where the upstream gave none. */
export function statusOf(failure: Failure): number {
  const { origin, status } = failure
  if (origin === 'upstream' && status !== undefined && status >= 400 && status < 600) return status
  return table[failure.kind][0]
}

/**
 * Renders a failure as a response in the protocol that the caller speaks, with `retry-after` where a wait is
 * known.
 */
export function renderError(api: Api, failure: Failure): RenderedError {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (failure.retryAfterMs !== undefined) {
    const wait = boundedWait(failure.retryAfterMs)
    headers['retry-after'] = String(Math.ceil(wait / 1000))
    headers['retry-after-ms'] = String(Math.ceil(wait))
  }
  const requestId = idOf(failure.requestId)
  if (requestId !== undefined) headers[api === 'anthropic' ? 'request-id' : 'x-request-id'] = requestId
  return {
    status: statusOf(failure),
    headers,
    body: encoder.encode(JSON.stringify(errorBody(api, failure))),
  }
}

/** Renders a failure as the last event of a stream that has begun. */
export function renderErrorEvent(api: Api, failure: Failure): Uint8Array {
  const data = JSON.stringify(errorBody(api, failure))
  return encoder.encode(api === 'anthropic' ? `event: error\ndata: ${data}\n\n` : `data: ${data}\n\n`)
}

function errorBody(api: Api, failure: Failure): unknown {
  const [status, anthropicType, openaiType] = table[failure.kind]
  if (api === 'anthropic') {
    return {
      type: 'error',
      error: { type: anthropicType, message: failure.message },
      request_id: failure.requestId ?? null,
    }
  }
  const type = status >= 500 ? 'server_error' : 'invalid_request_error'
  return { error: { message: failure.message, type, param: null, code: openaiType } }
}
