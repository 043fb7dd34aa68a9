import { emit, type Failure, type Middleware, named } from '@spillway/middleware'
import { estimatePromptTokens, failureResponse } from '@spillway/wire'

/** Refuses prompts of more than about `tokens` tokens, before anything is sent. */
export function maxPrompt(tokens: number): Middleware {
  const guard: Middleware = (next) => async (request) => {
    const estimate = estimatePromptTokens(request.body.json)
    if (estimate <= tokens) return next(request)
    const failure: Failure = {
      kind: 'too_large',
      message: `the prompt has about ${estimate} tokens; the limit is ${tokens}`,
      retryable: false,
      scope: 'request',
      origin: 'spillway',
    }
    emit(request, 'refused', { failure })
    return failureResponse(request, failure)
  }
  return named(guard, 'maxPrompt', { options: { tokens } })
}
