import {
  type Handler,
  type Middleware,
  type ModelRequest,
  type ModelResponse,
  named,
} from '@spillway/middleware'
import { refuse } from '@spillway/wire'
import { firstPartyCall } from './first-party-call.ts'
import { answerAtVenue } from './venue-answer.ts'

/**
 * Lets callers of Amazon Bedrock (`InvokeModel`, its streams, `CountTokens`) and of Vertex AI (`rawPredict`, `streamRawPredict`) be
 * answered by any target: their calls become first-party ones, with the model by the name that Anthropic's own API has for it, and
 * answers, streams and errors go back in the form of their cloud. What a caller presents to its cloud is removed. Goes before
 * all other policies, since these read first-party calls. Calls in any other form pass untouched.
 */
export function venueCallers(): Middleware {
  const converting: Middleware = (next) => (request) =>
    request.venue === undefined ? next(request) : converted(next, request)
  return named(converting, 'venue callers', { hidden: true })
}

async function converted(next: Handler, request: ModelRequest): Promise<ModelResponse> {
  const call = firstPartyCall(request)
  if (typeof call === 'string') return refuse(request, { kind: 'invalid_request', message: call })
  return answerAtVenue(request, await next(call))
}
