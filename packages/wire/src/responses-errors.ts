import type { Failure } from '@spillway/middleware'
import type { StreamPlace } from '@spillway/middleware/kit'
import { isTooLong } from './error-words.ts'
import { failureKinds } from './failure-kinds.ts'

/**
 * How a stream of OpenAI Responses ends with an error: an `error` event, at which the official SDK throws, and behind it
 * `response.failed`, which Codex and others wait for; each of them passes over the other one. Both have the next numbers.
 */
export function responsesErrorEvents(failure: Failure, place: StreamPlace = {}): string {
  const { code, message } = saidOf(failure)
  const sequence_number = place.nextSequence ?? 0
  const error = { type: 'error', code, message, param: null, sequence_number }
  const next = { ...place, nextSequence: sequence_number + 1 }
  return `event: error\ndata: ${JSON.stringify(error)}\n\n${responseFailedEvent(failure, next)}`
}

/** The last of the two alone, behind an `error` event of the upstream's. */
export function responseFailedEvent(
  failure: Failure,
  { nextSequence = 0, answerId, model }: StreamPlace,
): string {
  const response = {
    id: answerId ?? 'resp_spillway',
    object: 'response',
    // Nothing here knows the time; no client reads it of a response that failed.
    created_at: 0,
    status: 'failed',
    error: saidOf(failure),
    incomplete_details: null,
    model: model ?? '',
    output: [],
    usage: null,
  }
  const data = { type: 'response.failed', sequence_number: nextSequence, response }
  return `event: response.failed\ndata: ${JSON.stringify(data)}\n\n`
}

/** Codex waits for as long as the words of a rate limit say, and asks for a shorter prompt by the code. */
function saidOf(failure: Failure): { readonly code: string; readonly message: string } {
  const { kind, message, retryAfterMs } = failure
  const code = isTooLong(failure) ? 'context_length_exceeded' : failureKinds[kind].openai
  const isTimed =
    code === 'rate_limit_exceeded' && retryAfterMs !== undefined && !/try again in/i.test(message)
  return { code, message: isTimed ? `${message}; try again in ${Math.ceil(retryAfterMs / 1000)}s` : message }
}
