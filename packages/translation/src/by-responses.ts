import type { Failure, Middleware } from '@spillway/middleware'
import { RecentMap } from '@spillway/middleware/kit'

/**
 * How OpenAI says that it takes a request by the Responses API alone: GPT-5.6 and GPT-6 with tools, unless they do not think ("To use
 * function tools, use /v1/responses or set reasoning_effort to 'none'", seen in 2026; its deployment checklist).
 */
const takenThere = /\/v1\/responses\b/

/** How long that is remembered of a model, in milliseconds, and of how many, since callers may name any number. */
const remembered = 3_600_000
const mostModels = 100

/**
 * For a server of both of OpenAI's protocols: callers of the Responses API pass, all others come by chat completions, and by the
 * Responses API where the server says that it takes their request there alone; from then on for an hour for that model.
 */
export function byResponsesWhereAsked(toChat: Middleware, toResponses: Middleware): Middleware {
  const until = new RecentMap<number>(mostModels)
  return (next) => {
    const chat = toChat(next)
    const responses = toResponses(next)
    return async (request) => {
      const { api, operation, model, clock } = request
      if (api === 'responses') return next(request)
      if (operation !== 'generate') return chat(request)
      if ((until.get(model) ?? 0) > clock.now()) return responses(request)
      const response = await chat(request)
      if (!isTakenThere(response.failure)) return response
      response.body.cancel()
      until.set(model, clock.now() + remembered)
      return responses(request)
    }
  }
}

function isTakenThere(failure: Failure | undefined): boolean {
  return (
    failure?.kind === 'invalid_request' && failure.origin === 'upstream' && takenThere.test(failure.message)
  )
}
