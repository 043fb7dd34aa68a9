import { type Middleware, named } from '@spillway/middleware'

/** Reports each call that took longer than `ms`, to its last byte. */
export function slowCalls(ms: number, report: (line: string) => void): Middleware {
  const slow: Middleware = (next) => async (request) => {
    const began = request.clock.now()
    const response = await next(request)
    response.outcome.then(({ failure }) => {
      const took = request.clock.now() - began
      if (took > ms) report(`${request.model}: ${failure?.kind ?? 'ok'} after ${took} ms`)
    })
    return response
  }
  return named(slow, 'slowCalls', { options: { ms } })
}
