import type { Failure, Middleware } from '@spillway/middleware'
import { promptSize } from './prompt-size.ts'

/**
 * What the failures of a model on this machine mean for the policies around it. A timeout is not retried: the machine would
 * only have more to do. A prompt that is too long for this model may fit the next target's, so it is `unfit`, and not the
 * caller's error.
 */
export function ownFailures(): Middleware {
  return (next) => async (request) => {
    const response = await next(request)
    const { failure } = response
    return failure === undefined ? response : { ...response, failure: meaningOf(failure) }
  }
}

function meaningOf(failure: Failure): Failure {
  if (failure.kind === 'timeout') return { ...failure, retryable: false }
  const isTooLong = promptSize(failure.message) !== undefined || failure.code === 'context_length_exceeded'
  return isTooLong ? { ...failure, kind: 'unfit', origin: 'spillway', retryable: false } : failure
}
