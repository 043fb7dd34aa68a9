import {
  type AttemptReport,
  type Failure,
  listen,
  type ModelRequest,
  reportAttempt,
  SpillwayError,
} from '@spillway/middleware'

/** Follows the attempts of one call, so that its error can tell of them. */
export interface CallRecord {
  /** The request to send. */
  readonly request: ModelRequest
  readonly attempts: readonly AttemptReport[]
  /** The error of a call that ended in `failure`. */
  error(failure: Failure): SpillwayError
}

export function recordCall(request: ModelRequest): CallRecord {
  const attempts: AttemptReport[] = []
  return {
    request: listen(request, (event) => {
      if (event.type === 'attempt.ended') attempts.push(reportAttempt(event.target, event.outcome))
    }),
    attempts,
    error: (failure) => new SpillwayError(failure, { callId: request.context.callId, attempts }),
  }
}
