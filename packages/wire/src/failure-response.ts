import type { Failure, ModelRequest, ModelResponse, Outcome } from '@spillway/middleware'
import { bodyOf } from '@spillway/middleware/kit'
import { renderError } from './error-rendering.ts'

/** What a failure response may carry from the attempt that failed. */
export interface FailedAttempt {
  /** How the attempt ended. */
  readonly outcome: Promise<Outcome>
  /** The error object that the upstream sent inside a 200; passed on byte for byte. */
  readonly body?: Uint8Array | undefined
}

/**
 * A response that says `failure` in the caller's protocol. Without `attempt` it is a refusal: nothing was sent,
 * and the outcome says so.
 */
export function failureResponse(
  request: ModelRequest,
  failure: Failure,
  attempt?: FailedAttempt,
): ModelResponse {
  const error = renderError(request.api, failure, request.venue)
  return {
    status: error.status,
    headers: error.headers,
    body: bodyOf(attempt?.body ?? error.body),
    failure,
    outcome: attempt?.outcome ?? Promise.resolve(refusedOutcome(request, failure)),
    target: attempt === undefined ? undefined : request.context.target,
  }
}

function refusedOutcome(request: ModelRequest, failure: Failure): Outcome {
  return {
    failure,
    usage: undefined,
    stopReason: undefined,
    model: undefined,
    timings: { startedAt: request.clock.now(), end: 0 },
    bytes: 0,
  }
}
