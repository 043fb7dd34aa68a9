import type { Api, Failure, ResponseHeaders } from '@spillway/middleware'
import { failureKinds } from './failure-kinds.ts'
import { boundedWait } from './retry-after.ts'
import { idOf } from './upstream-text.ts'

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
  return failureKinds[failure.kind].status
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
  const { status, anthropic, openai } = failureKinds[failure.kind]
  if (api === 'anthropic') {
    return {
      type: 'error',
      error: { type: anthropic, message: failure.message },
      request_id: failure.requestId ?? null,
    }
  }
  const type = status >= 500 ? 'server_error' : 'invalid_request_error'
  return { error: { message: failure.message, type, param: null, code: openai } }
}
