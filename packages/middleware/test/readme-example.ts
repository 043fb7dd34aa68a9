import { compose, deriveRequest, type Handler, type Middleware } from '@spillway/middleware'

/** Logs each attempt when its last byte has come. */
function logged(log: (line: string) => void): Middleware {
  return (next) => async (request) => {
    const response = await next(request)
    response.outcome.then(({ failure, usage }) => {
      log(`${request.model}: ${failure?.kind ?? 'ok'}, ${usage?.outputTokens ?? 0} tokens`)
    })
    return response
  }
}

/** Sends every call to another model, which is named in the body too. */
const pinned =
  (model: string): Middleware =>
  (next) =>
  (request) =>
    next(deriveRequest(request, { model }))

export function chain(client: Handler, log: (line: string) => void): Handler {
  return compose([logged(log), pinned('claude-haiku-5-5')], client) // `logged` is outermost
}
