import { type CallRecord, type RecordedRequest, recordCall } from './call-record.ts'
import type { FailureKind } from './failure.ts'
import type { Handler } from './handler.ts'
import type { Outcome } from './outcome.ts'
import type { ModelRequest } from './request.ts'
import type { ModelResponse } from './response.ts'

/** How a call has ended, for whoever counts it. Durations are milliseconds since the call began. */
export interface CallEnd {
  readonly record: CallRecord
  /** Undefined where the call rejected: its caller left before there was an answer, or code has failed. */
  readonly response: ModelResponse | undefined
  readonly outcome: Outcome | undefined
  /** `error` for a call that code has failed; undefined for success. */
  readonly failure: FailureKind | 'error' | undefined
  readonly firstContentMs: number | undefined
  readonly totalMs: number
}

/**
 * Sends a call on its way with its record in its context, and says once how it ended: at its outcome, or when it rejects.
 * @param onEnd must not throw
 */
export async function followCall(
  call: ModelRequest,
  next: Handler,
  onEnd: (end: CallEnd) => void,
): Promise<ModelResponse> {
  const request = recordCall(call)
  let response: ModelResponse
  try {
    response = await next(request)
  } catch (error) {
    onEnd(callEnd(request, undefined, undefined))
    throw error
  }
  response.outcome.then((outcome) => onEnd(callEnd(request, response, outcome)))
  return response
}

/** How a call ended that is over now, for those who follow it without {@link followCall}. */
export function callEnd(
  { context: { record }, clock, signal }: RecordedRequest,
  response: ModelResponse | undefined,
  outcome: Outcome | undefined,
): CallEnd {
  const { startedAt } = record
  const firstContent = outcome?.timings.firstContent
  const unanswered = signal?.aborted ? 'cancelled' : 'error'
  return {
    ...{ record, response, outcome },
    failure: outcome === undefined ? unanswered : outcome.failure?.kind,
    firstContentMs:
      outcome === undefined || firstContent === undefined
        ? undefined
        : outcome.timings.startedAt - startedAt + firstContent,
    totalMs: record.endedAt(clock.now()) - startedAt,
  }
}
