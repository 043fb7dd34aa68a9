import { attempt } from '@spillway/attempt'
import { compose, type Middleware } from '@spillway/middleware'
import type { Limits } from '@spillway/rate-limit'
import { virtualClock } from '@spillway/testing'
import { admissions, runAgent } from './agents.ts'
import { costOf } from './cost.ts'
import { ModelRecord } from './record.ts'
import { ourLimiter, perfectScheduler } from './schedulers.ts'
import { models } from './traffic.ts'
import { dayVendor, othersShare, poolLimits, startOthers } from './vendor.ts'

export interface DayOptions {
  readonly hours: number
  readonly agents: number
  readonly seed: number
  /** The hour at which it begins. */
  readonly startHour: number
  /** Minutes for which an agent does nothing between two conversations at the busiest hour, on average. @default 34 */
  readonly pauseMinutes?: number
  readonly onHour?:
    | ((hour: number, scheduler: SchedulerName, calls: number, waiting: number) => void)
    | undefined
}

export type SchedulerName = 'limiter' | 'perfect'

/** What a day came to under one scheduler. */
export interface DayResult {
  readonly scheduler: SchedulerName
  readonly records: ReadonlyMap<string, ModelRecord>
  readonly limits: Limits
  /** Input that others used, by model. */
  readonly othersUsed: ReadonlyMap<string, number>
  /** How long the simulation took, in milliseconds of this machine. */
  readonly tookMs: number
}

/** Our share of the vendor's limits: what others leave. */
export function ownLimits(agents: number): Limits {
  const { requestsPerMinute, inputTokensPerMinute, outputTokensPerMinute } = poolLimits(agents)
  const share = 1 - othersShare
  return {
    requestsPerMinute: Math.floor(requestsPerMinute * share),
    inputTokensPerMinute: Math.floor(inputTokensPerMinute * share),
    outputTokensPerMinute: Math.floor(outputTokensPerMinute * share),
  }
}

/** Simulates a day of agents in front of a vendor whose limits are real, with one scheduler between them. */
export async function simulateDay(scheduler: SchedulerName, options: DayOptions): Promise<DayResult> {
  const { agents, seed, startHour, pauseMinutes = 34 } = options
  const began = performance.now()
  const clock = virtualClock({ seed, maxTimers: Infinity })
  const limits = ownLimits(agents)
  const records = new Map(models.map(([model]) => [model, new ModelRecord()]))
  const day = dayVendor(clock, agents, (model, tokens, admittedAt) => {
    records.get(model)?.own.output.add(tokens, clock.now())
    records.get(model)?.outputBooks.generated(tokens, admittedAt, clock.now())
  })
  const between =
    scheduler === 'limiter' ? ourLimiter(limits, records) : perfectScheduler(day, records, limits, clock)
  /** Sees what goes to the vendor. */
  const spy: Middleware = (next) => (request) => {
    admissions.set(request.body, clock.now())
    const cost = costOf(day, request)
    const record = records.get(request.model)
    record?.waiting.delete(request.body)
    // What the vendor refuses is not used.
    if (request.operation === 'generate' && cost !== undefined && day.limits.check(cost) === undefined) {
      const outputTokens = day.answers.get(request.body)?.outputTokens ?? 0
      record?.admit(cost.inputTokens, outputTokens, clock.now())
    }
    return next(request)
  }
  const handler = compose([between.middleware, spy], attempt(day.vendor.transport))
  const endAt = options.hours * 3_600_000
  startOthers(day, clock, seed, endAt)
  const running = Array.from({ length: agents }, (_, agent) =>
    runAgent(agent, {
      ...{ day, records, limits, handler, clock, seed, endAt, startHour },
      pauseMs: pauseMinutes * 60_000,
      // A prompt that is not in the cache has to fit.
      largestPrompt: Math.min(800_000, ((limits.inputTokensPerMinute ?? Infinity) * 2) / 3),
    }),
  )
  for (let hour = 1; hour <= options.hours; hour++) {
    await clock.advance(3_600_000)
    const calls = [...records.values()].reduce((sum, { answered }) => sum + answered, 0)
    options.onHour?.(hour, scheduler, calls, between.waiting)
  }
  await clock.runAll()
  await Promise.all(running)
  return { scheduler, records, limits, othersUsed: day.othersUsed, tookMs: performance.now() - began }
}
