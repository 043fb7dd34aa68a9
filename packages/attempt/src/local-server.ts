import { deriveRequest, type Middleware, named, type Timeouts } from '@spillway/middleware'

/** The limits of {@link localServer}, in milliseconds. */
export type LocalServerLimits = Pick<Timeouts, 'firstContent' | 'idle'> & { readonly headers: number }

/**
 * What servers of local models need. They send their headers with the first token, so that a model that has to be loaded,
 * or a long prompt, takes minutes without headers; and they are silent while they compose a tool call, for which 50 to
 * 330 s have been reported (ollama/ollama#14902, #14858; anthropics/anthropic-sdk-python#1456).
 */
export const localServerDefaults: LocalServerLimits = {
  headers: Number.POSITIVE_INFINITY,
  firstContent: 300_000,
  idle: 360_000,
}

/**
 * For an attempt at a server that answers late and is well: limits that were meant for vendors which answer promptly do
 * not bind it, and its timeouts are not repeated, since its work on the first request goes on.
 * @param own limits that were set for this server itself; these hold as they are
 */
export function localServer(own: Partial<Timeouts> = {}): Middleware {
  const patient = (timeouts: Timeouts): Timeouts => ({
    ...timeouts,
    headers: own.headers ?? localServerDefaults.headers,
    firstContent: own.firstContent ?? Math.max(timeouts.firstContent, localServerDefaults.firstContent),
    idle: own.idle ?? Math.max(timeouts.idle, localServerDefaults.idle),
  })
  const patience: Middleware = (next) => async (request) => {
    const response = await next(deriveRequest(request, { timeouts: patient(request.timeouts) }))
    const { failure } = response
    if (failure?.kind !== 'timeout' || failure.phase === 'connect' || !failure.retryable) return response
    return { ...response, failure: { ...failure, retryable: false } }
  }
  return named(patience, 'local server')
}
