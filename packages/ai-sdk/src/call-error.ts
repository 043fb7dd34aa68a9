import { APICallError } from '@ai-sdk/provider'
import { type Failure, SpillwayError } from '@spillway/middleware'
import type { RecordedRequest } from '@spillway/middleware/kit'
import type { ModelAnswer } from './model-call.ts'

/**
 * What is thrown when no model has answered: the provider's own error where there is an HTTP error, with the history of the call as
 * its `cause`; else a `SpillwayError`, whose `cause` is what the model threw. The AI SDK repeats neither: that has been done.
 */
export function callError(
  failure: Failure,
  { context }: RecordedRequest,
  answer: ModelAnswer | undefined,
): Error {
  const { callId, record } = context
  const error = new SpillwayError(failure, { callId, attempts: record.reports })
  const thrown = answer?.error
  if (!APICallError.isInstance(thrown) || failure.origin === 'spillway') {
    if (thrown !== undefined) error.cause = thrown
    return error
  }
  const { message, url, requestBodyValues, statusCode, responseHeaders, responseBody, data } = thrown
  return new APICallError({
    ...{ message, url, requestBodyValues, data, cause: error, isRetryable: false },
    ...(statusCode !== undefined && { statusCode }),
    ...(responseHeaders !== undefined && { responseHeaders }),
    ...(responseBody !== undefined && { responseBody }),
  })
}
