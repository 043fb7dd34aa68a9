import type { Api, Failure } from '@spillway/middleware'
import type { ResponseHeaders, StreamPlace, Venue } from '@spillway/middleware/kit'
import { isTooLong } from './error-words.ts'
import { failureKinds } from './failure-kinds.ts'
import { responsesErrorEvents } from './responses-errors.ts'
import { boundedWait } from './retry-after.ts'
import { idOf } from './upstream-text.ts'
import { bedrockError, bedrockErrorFrame, vertexError } from './venue-errors.ts'

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

const idHeaders: Readonly<Record<Api | Venue, string>> = {
  anthropic: 'request-id',
  openai: 'x-request-id',
  responses: 'x-request-id',
  bedrock: 'x-amzn-requestid',
  vertex: 'request-id',
}

/**
 * Renders a failure as a response in the protocol that the caller speaks, or as the venue would that wraps it, with
 * `retry-after` where a wait is known.
 */
export function renderError(api: Api, failure: Failure, venue?: Venue): RenderedError {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (failure.retryAfterMs !== undefined) {
    const wait = boundedWait(failure.retryAfterMs)
    headers['retry-after'] = String(Math.ceil(wait / 1000))
    headers['retry-after-ms'] = String(Math.ceil(wait))
  }
  const requestId = idOf(failure.requestId)
  if (requestId !== undefined) headers[idHeaders[venue ?? api]] = requestId
  const said =
    venue === 'bedrock'
      ? bedrockError(failure)
      : venue === 'vertex'
        ? vertexError(failure, statusOf(failure))
        : { status: statusOf(failure), headers: {}, body: errorBody(api, failure) }
  return {
    status: said.status,
    headers: { ...headers, ...said.headers },
    body: encoder.encode(JSON.stringify(said.body)),
  }
}

/** How a stream that is to end with an error is wrapped, and how far it had come. */
export interface ErrorEventOptions {
  readonly venue?: Venue | undefined
  readonly place?: StreamPlace | undefined
}

/** Renders a failure as the end of a stream that has begun. */
export function renderErrorEvent(
  api: Api,
  failure: Failure,
  { venue, place }: ErrorEventOptions = {},
): Uint8Array {
  if (venue === 'bedrock') return bedrockErrorFrame(failure)
  if (api === 'responses') return encoder.encode(responsesErrorEvents(failure, place))
  const data = JSON.stringify(errorBody(api, failure))
  return encoder.encode(api === 'anthropic' ? `event: error\ndata: ${data}\n\n` : `data: ${data}\n\n`)
}

/** OpenAI's types of a quota that is spent. Codex gives up at the second, and shows no words of any other one with 429. */
const spentTypes = { openai: 'insufficient_quota', responses: 'usage_limit_reached' } as const

function errorBody(api: Api, failure: Failure): unknown {
  const { status, anthropic, openai } = failureKinds[failure.kind]
  if (api === 'anthropic') {
    return {
      type: 'error',
      error: { type: anthropic, message: failure.message },
      request_id: failure.requestId ?? null,
    }
  }
  const type =
    failure.kind === 'budget_exceeded'
      ? spentTypes[api]
      : status >= 500
        ? 'server_error'
        : 'invalid_request_error'
  const code = api === 'responses' && isTooLong(failure) ? 'context_length_exceeded' : openai
  return { error: { message: failure.message, type, param: null, code } }
}
