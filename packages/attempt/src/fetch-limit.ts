import { type Middleware, type ModelRequest, named, timeLeft } from '@spillway/middleware'
import { defaultStreamHeaders } from '@spillway/middleware/kit'

/**
 * How long Node's own `fetch` waits for headers, and between two chunks, in milliseconds (undici's `headersTimeout` and
 * `bodyTimeout`). No option of a call changes it.
 */
const nodeFetchLimit = 300_000

/** Says so once, at the first call that may take longer than the `fetch` beneath it allows. */
export function warnOfFetchLimit(warn: (message: string, code: string) => void): Middleware {
  let hasWarned = false
  const warning: Middleware = (next) => (request) => {
    if (!hasWarned && mayTakeLonger(request)) {
      hasWarned = true
      warn(
        `Node's fetch cuts a request that has no response headers after ${nodeFetchLimit / 1000} s, ` +
          `and this call may take ${Math.round(timeLeft(request.deadline, request.clock) / 1000)} s. ` +
          'Stream it, use a client of @spillway/core-client, or pass a fetch whose dispatcher allows more ' +
          '(undici: headersTimeout, bodyTimeout).',
        'SPILLWAY_FETCH_LIMIT',
      )
    }
    return next(request)
  }
  return named(warning, 'fetch limit', { hidden: true })
}

/** No one has chosen the default deadline; a stream has its headers at once where `headers` says so. */
function mayTakeLonger(request: ModelRequest): boolean {
  const { hasDefaultDeadline, deadline, clock, stream, timeouts, context } = request
  if (hasDefaultDeadline || context.hasDefaultTotal || timeLeft(deadline, clock) <= nodeFetchLimit)
    return false
  return (timeouts.headers ?? (stream ? defaultStreamHeaders : Infinity)) > nodeFetchLimit
}
