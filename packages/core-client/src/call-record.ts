import {
  type AttemptReport,
  AttemptReports,
  type Failure,
  listen,
  type ModelRequest,
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
  const { list: attempts, hear } = new AttemptReports()
  return {
    request: listen(request, hear),
    attempts,
    error: (failure) => new SpillwayError(failure, { callId: request.context.callId, attempts }),
  }
}
