import type { Clock, Middleware, ModelRequest, ModelResponse } from '@spillway/middleware'
import { createRateLimit, type Limits } from '@spillway/rate-limit'
import { costOf } from './cost.ts'
import type { DayRecord, ModelRecord } from './record.ts'
import type { DayVendor } from './vendor.ts'

/** What decides when calls go to the vendor. */
export interface Scheduler {
  readonly middleware: Middleware
  readonly waiting: number
}

/** The limiter of this repository, with nothing but the limits set. */
export function ourLimiter(limits: Limits): Scheduler {
  const limit = createRateLimit(limits)
  return {
    middleware: limit.middleware,
    get waiting() {
      return limit.waiting
    },
  }
}

/** A call that has waited for so long is passed by none, in milliseconds. */
const patience = 30_000
/** How often the perfect scheduler looks again, in milliseconds. */
const lookEvery = 250

interface Waiting {
  readonly request: ModelRequest
  readonly since: number
  go(): void
}

/**
 * A scheduler that knows what every call will take and what the vendor has left, at every moment, and keeps the same limits
 * of our own. It lets calls through in the order in which they came; one that does not fit now is passed by those that
 * do, until it has waited for half a minute. It never refuses.
 */
export function perfectScheduler(
  day: DayVendor,
  records: DayRecord,
  limits: Limits,
  clock: Clock,
): Scheduler {
  const queues = new Map<string, Waiting[]>()
  const fits = (request: ModelRequest): boolean => {
    const cost = costOf(day, request)
    if (cost === undefined) return true
    const record = records.get(request.model) as ModelRecord
    const outputTokens = day.answers.get(request.body)?.outputTokens ?? 0
    return (
      day.limits.check(cost) === undefined &&
      (cost.operation === 'count_tokens' ||
        record.hasOwnCapacity(cost.inputTokens, outputTokens, limits, clock.now()))
    )
  }
  const look = (queue: Waiting[]): void => {
    for (let at = 0; at < queue.length; ) {
      const call = queue[at] as Waiting
      if (fits(call.request)) {
        queue.splice(at, 1)
        call.go()
      } else if (clock.now() - call.since >= patience) break
      else at++
    }
    if (queue.length > 0) clock.setTimer(lookEvery, () => look(queue))
  }
  const middleware: Middleware = (next) => (request) => {
    const queue = queues.get(request.model) ?? []
    queues.set(request.model, queue)
    const first = queue[0]
    const isBlocked = first !== undefined && clock.now() - first.since >= patience
    if (request.operation === 'count_tokens' || (!isBlocked && fits(request))) return next(request)
    return new Promise<ModelResponse>((resolve) => {
      queue.push({ request, since: clock.now(), go: () => resolve(next(request)) })
      if (queue.length === 1) clock.setTimer(lookEvery, () => look(queue))
    })
  }
  return {
    middleware,
    get waiting() {
      return [...queues.values()].reduce((sum, { length }) => sum + length, 0)
    },
  }
}
