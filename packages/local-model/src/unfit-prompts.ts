import { type Middleware, named } from '@spillway/middleware'
import { promptSize } from './prompt-size.ts'

/** A prompt that is too long for this model may fit the next target's: it is `unfit`, and not the caller's error. */
export function unfitPrompts(): Middleware {
  const judging: Middleware = (next) => async (request) => {
    const response = await next(request)
    const { failure } = response
    if (failure === undefined) return response
    const isTooLong = failure.code === 'context_length_exceeded' || promptSize(failure.message) !== undefined
    if (!isTooLong) return response
    return { ...response, failure: { ...failure, kind: 'unfit', origin: 'spillway', retryable: false } }
  }
  return named(judging, 'unfit prompts')
}
