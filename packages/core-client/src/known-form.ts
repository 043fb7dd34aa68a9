import { type Api, type Middleware, named } from '@spillway/middleware'
import { refuse } from '@spillway/wire'

/**
 * Refuses calls in a form that the endpoint of a client does not take, instead of sending what can only fail: those of clouds,
 * whose bodies name no model, and those of OpenAI's Responses API where the provider does not speak it.
 */
export function knownForm(apis: readonly Api[]): Middleware {
  const knowing: Middleware = (next) => (request) => {
    const { api, venue } = request
    const form =
      venue === 'bedrock'
        ? 'Amazon Bedrock'
        : venue === 'vertex'
          ? 'Vertex AI'
          : api === 'responses' && !apis.includes(api)
            ? "OpenAI's Responses API"
            : undefined
    if (form === undefined) return next(request)
    const message = `this client does not take calls in the form of ${form}: wrap the fetch of that SDK with wrapFetch, or use a target that speaks it`
    return Promise.resolve(refuse(request, { kind: 'unfit', message }))
  }
  return named(knowing, 'known form', { hidden: true })
}
