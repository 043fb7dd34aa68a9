import type { Clock, Middleware, ModelRequest, ModelResponse } from '@spillway/middleware'
import { createRateLimit, type LimitStore, type Limits, memoryLimitStore } from '@spillway/rate-limit'
import { costOf } from './cost.ts'
import type { DayRecord, ModelRecord } from './record.ts'
import type { DayVendor } from './vendor.ts'

/** What decides when calls go to the vendor. */
export interface Scheduler {
  readonly middleware: Middleware
  readonly waiting: number
}

/**
 * The limiter of this repository, with nothing but the limits set. The records keep the most output that it takes as used or
 * reserved of our own limit at the moment when it lets a call through, its own reservation included.
 */
export function ourLimiter(limits: Limits, records: DayRecord): Scheduler {
  const limit = createRateLimit({ ...limits, store: watched(memoryLimitStore(), records) })
  return {
    middleware: limit.middleware,
    get waiting() {
      return limit.waiting
    },
  }
}

function watched(store: LimitStore, records: DayRecord): LimitStore {
  return {
    open(key, limits, rules) {
      const admission = store.open(key, limits, rules)
      const admit = admission.tryAcquire.bind(admission)
      admission.tryAcquire = (cost, now, beside) => {
        const lease = admit(cost, now, beside)
        const record = records.get(cost.group ?? '')
        // Limits in memory answer at once.
        if (lease === undefined || lease instanceof Promise || record === undefined) return lease
        const { outputTokensPerMinute } = admission.headroom(now, cost.group)
        record.mostReserved = Math.max(record.mostReserved, outputTokensPerMinute?.used ?? 0)
        const book = record.outputBooks.reserve(cost.outputTokens, now)
        return {
          ...lease,
          settle(actual, at, outcome) {
            book(actual?.outputTokens ?? 0, at)
            lease.settle(actual, at, outcome)
          },
        }
      }
      return admission
    },
  }
}

/** How often the perfect scheduler looks again, in milliseconds. */
const lookEvery = 250

interface Waiting {
  readonly request: ModelRequest
  go(): void
}

/**
 * A scheduler that knows what every call will take and what the vendor has left, at every moment, and keeps the same limits
 * of our own. Of those that wait, the smallest goes first, so that no call loses the prompt cache by waiting for another
 * large. It never refuses, and it is not fair: whoever is large waits until there is capacity to spare.
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
    const sizes = new Map(queue.map((call) => [call, costOf(day, call.request)?.inputTokens ?? 0]))
    queue.sort((one, other) => (sizes.get(one) ?? 0) - (sizes.get(other) ?? 0))
    for (let at = 0; at < queue.length; ) {
      const call = queue[at] as Waiting
      if (fits(call.request)) {
        queue.splice(at, 1)
        call.go()
      } else at++
    }
    if (queue.length > 0) clock.setTimer(lookEvery, () => look(queue))
  }
  const middleware: Middleware = (next) => (request) => {
    const queue = queues.get(request.model) ?? []
    queues.set(request.model, queue)
    if (request.operation === 'count_tokens' || fits(request)) return next(request)
    return new Promise<ModelResponse>((resolve) => {
      queue.push({ request, go: () => resolve(next(request)) })
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
