import { emit, type Middleware, type ModelRequest, type ModelResponse, named } from '@spillway/middleware'
import { longestWait } from '@spillway/middleware/kit'
import { refuse } from '@spillway/wire'
import type { PoolSettings } from './connection-pool.ts'

type Ended = 'admitted' | 'too_late'

/**
 * Lets at most `connections` calls at a time through to the attempt; further ones wait in the order of their arrival.
 * A call that waits longer than `maxWait` or its deadline, or finds `maxQueued` calls before it, is refused as
 * `saturated`: no attempt is made, so nothing counts against the endpoint. A call that aborts leaves at once. One that
 * in the shadow of another (`context.isShadow`) never waits, and leaves half of the connections to others.
 */
export function connectionLimit(settings: PoolSettings): Middleware {
  const { connections, maxQueued } = settings
  let inFlight = 0
  const queue = new Set<() => void>()

  const leave = (): void => {
    const [next] = queue
    // The slot goes to the next call without becoming free, so that no newcomer takes it first.
    if (next === undefined) inFlight--
    else next()
  }

  const wait = (request: ModelRequest): Promise<Ended> =>
    new Promise((resolve, reject) => {
      const { clock, signal } = request
      const end = (): void => {
        queue.delete(admit)
        cancelTimer()
        signal?.removeEventListener('abort', abort)
      }
      const admit = (): void => {
        end()
        resolve('admitted')
      }
      const abort = (): void => {
        end()
        reject(signal?.reason)
      }
      const cancelTimer = clock.setTimer(longestWait(request, settings), () => {
        end()
        resolve('too_late')
      })
      signal?.addEventListener('abort', abort)
      queue.add(admit)
    })

  const limiting: Middleware = (next) => async (request) => {
    if (request.signal?.aborted) throw request.signal.reason
    if (request.context.isShadow && inFlight + 1 > connections / 2) {
      return saturated(request, 'a call for comparison leaves half of them to others, and never waits')
    }
    if (inFlight < connections) inFlight++
    else {
      if (queue.size >= maxQueued) {
        return saturated(request, `${connections} calls are in flight and ${queue.size} wait`)
      }
      const since = request.clock.now()
      if ((await wait(request)) === 'too_late') {
        return saturated(request, `none of ${connections} connections became free in time`)
      }
      emit(request, 'connection.waited', { waitMs: request.clock.now() - since })
    }
    let response: ModelResponse
    try {
      response = await next(request)
    } catch (error) {
      leave()
      throw error
    }
    response.outcome.then(leave)
    return response
  }
  return named(limiting, 'connections', { options: { connections, maxQueued } })
}

function saturated(request: ModelRequest, why: string): ModelResponse {
  const message = `the connections of this endpoint are saturated: ${why}`
  return refuse(request, { kind: 'saturated', message, scope: 'endpoint' })
}
