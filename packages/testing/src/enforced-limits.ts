import { type Clock, systemClock } from '@spillway/middleware'
import { Acceleration, type AccelerationLimit } from './acceleration.ts'
import { type LimitVendor, limitDialects, type MeterName, type Meters } from './limit-dialects.ts'
import { TokenBucket } from './token-bucket.ts'

/** The limits of one pool. What is left out is not limited. */
export interface PoolLimits {
  readonly requestsPerMinute?: number
  readonly requestsPerDay?: number
  readonly inputTokensPerMinute?: number
  readonly outputTokensPerMinute?: number
  /** Input and output together, as all vendors but Anthropic count them. */
  readonly tokensPerMinute?: number
  /** Requests for counts of tokens, which are limited apart. */
  readonly countRequestsPerMinute?: number
}

/** Options of {@link enforceLimits}. */
export interface EnforcedLimitsOptions {
  /** Those of every pool, or by pool. */
  readonly limits: PoolLimits | ((pool: string) => PoolLimits)
  /** Whose rules of counting, headers and errors. @default 'anthropic' */
  readonly vendor?: LimitVendor
  /** Which models share their limits. @default as the vendor documents it: see {@link anthropicPool} */
  readonly pool?: (model: string) => string
  /** How fast usage may grow. @default as fast as it likes */
  readonly acceleration?: AccelerationLimit
  /** Whether tokens that are read from the prompt cache count as input; at Anthropic with Haiku 3.5 alone. @default false */
  readonly countCacheReads?: boolean
  /** Bedrock: how many tokens of the quota one token of output takes. @default by the model: 5, 10 or 15 */
  readonly burndown?: (model: string) => number
  /** The time that buckets are refilled in. @default that of this machine */
  readonly clock?: Pick<Clock, 'now' | 'epoch'>
}

/** What a vendor knows of a call when it comes. */
export interface LimitedCall {
  readonly model: string
  /** @default 'generate' */
  readonly operation?: 'generate' | 'count_tokens'
  /** Tokens of the prompt that are not read from the cache: those written to it included. */
  readonly inputTokens: number
  /** @default 0 */
  readonly cacheReadTokens?: number
  /** What the caller allows for the answer. @default the vendor's own maximum */
  readonly maxTokens?: number | undefined
}

/** A call that a limit refuses. */
export interface LimitRefusal {
  /** 429; 413 at Groq for a call that is larger than a whole limit. */
  readonly status: number
  /** The limit that it would exceed; `closed` after {@link EnforcedLimits.close}. */
  readonly limit: MeterName | 'acceleration' | 'closed'
  /** Until the call would pass, in milliseconds, without other calls. */
  readonly retryAfterMs: number
  readonly headers: Readonly<Record<string, string>>
  /** The body, in the vendor's words. */
  readonly body: string
}

/** A call that has been let in. */
export interface LimitedLease {
  /** What the vendor says of its limits, as of now. */
  readonly headers: Readonly<Record<string, string>>
  /** So many more tokens of output have been generated. */
  generated(tokens: number): void
  /** The call is over: what was reserved and not used is given back, where the vendor does that. Once; later calls change nothing. */
  end(): void
}

/** The limits of one organisation at a vendor. */
export interface EnforcedLimits {
  readonly vendor: LimitVendor
  readonly clock: Pick<Clock, 'now' | 'epoch'>
  /** Lets a call in, or refuses it. */
  admit(call: LimitedCall): LimitedLease | LimitRefusal
  /** What `admit` would say, without counting anything: undefined where it would let the call in. */
  check(call: LimitedCall): LimitRefusal | undefined
  /** The buckets of a model's pool now. */
  meters(model: string): Meters
  /** Refuses all calls to the model's pool for so long, in milliseconds; not counts of tokens. */
  close(model: string, ms: number): void
}

const minute = 60_000
const day = 24 * 60 * minute

const periods: Readonly<Record<MeterName, readonly [field: keyof PoolLimits, periodMs: number]>> = {
  requests: ['requestsPerMinute', minute],
  dailyRequests: ['requestsPerDay', day],
  inputTokens: ['inputTokensPerMinute', minute],
  outputTokens: ['outputTokensPerMinute', minute],
  tokens: ['tokensPerMinute', minute],
  countRequests: ['countRequestsPerMinute', minute],
}

interface Pool {
  readonly buckets: ReadonlyMap<MeterName, TokenBucket>
  readonly acceleration: Acceleration | undefined
  closedUntil: number
}

/** What a call takes from a bucket when it comes. */
type Charge = readonly [name: MeterName, amount: number]

/**
 * Limits as vendors enforce them: token buckets for each pool of models, refilled continuously, whose burst is the limit.
 * Pure arithmetic over `clock`: the same object serves calls in process and on the wire, and whoever wants to know what
 * a perfect client would do. One object is one organisation.
 */
export function enforceLimits(options: EnforcedLimitsOptions): EnforcedLimits {
  const { vendor = 'anthropic', clock = systemClock, limits } = options
  const dialect = limitDialects[vendor]
  const poolOf = options.pool ?? ((model: string) => dialect.pool(model))
  const pools = new Map<string, Pool>()
  const open = (name: string): Pool => {
    const of = typeof limits === 'function' ? limits(name) : limits
    const buckets = new Map<MeterName, TokenBucket>()
    for (const [meter, [field, period]] of Object.entries(periods) as [
      MeterName,
      (typeof periods)['tokens'],
    ][]) {
      const limit = of[field]
      if (limit === undefined) continue
      if (!(limit > 0)) throw new RangeError(`${field} must be more than 0, but is ${limit}`)
      buckets.set(meter, new TokenBucket(limit, period, clock.now()))
    }
    const acceleration =
      options.acceleration === undefined ? undefined : new Acceleration(options.acceleration)
    return { buckets, acceleration, closedUntil: -Infinity }
  }
  const pool = (model: string): Pool => {
    const name = poolOf(model)
    let known = pools.get(name)
    if (known === undefined) {
      known = open(name)
      pools.set(name, known)
    }
    return known
  }
  const metersOf = ({ buckets }: Pool): Meters => {
    const now = clock.now()
    const entries = [...buckets].map(([name, bucket]) => {
      const fullInMs = bucket.timeUntil(bucket.limit, now)
      return [name, { limit: bucket.limit, remaining: bucket.level(now), fullInMs }]
    })
    return Object.fromEntries(entries)
  }
  const countsReads = options.countCacheReads ?? false
  const charges = (call: LimitedCall): readonly Charge[] => {
    if (call.operation === 'count_tokens') return [['countRequests', 1]]
    return dialect.charges(call, countsReads)
  }
  const refusal = (
    to: Pool,
    call: LimitedCall,
    limit: LimitRefusal['limit'],
    retryAfterMs: number,
    requested: number,
  ): LimitRefusal => {
    const meters = metersOf(to)
    const isTooLarge = limit in meters && requested > (meters[limit as MeterName]?.limit ?? Infinity)
    const facts = { call, limit, retryAfterMs, requested, meters, isTooLarge }
    const status = isTooLarge ? dialect.tooLargeStatus : 429
    const headers = { ...dialect.headers(meters, clock.epoch()), ...dialect.refusalHeaders(retryAfterMs) }
    return { status, limit, retryAfterMs, headers, body: dialect.refusalBody(facts) }
  }
  const check = (to: Pool, call: LimitedCall): LimitRefusal | undefined => {
    const now = clock.now()
    const isCount = call.operation === 'count_tokens'
    if (now < to.closedUntil && !isCount) return refusal(to, call, 'closed', to.closedUntil - now, 0)
    for (const [name, amount] of charges(call)) {
      const wait = to.buckets.get(name)?.timeUntil(amount, now) ?? 0
      const isTooLarge = amount > (to.buckets.get(name)?.limit ?? Infinity)
      if (wait > 0 || isTooLarge) return refusal(to, call, name, Math.max(wait, 1), amount)
    }
    if (isCount) return undefined
    const rampWait = to.acceleration?.timeUntil(call.inputTokens, now) ?? 0
    return rampWait > 0 ? refusal(to, call, 'acceleration', rampWait, call.inputTokens) : undefined
  }
  const lease = (to: Pool, call: LimitedCall): LimitedLease => {
    const isCount = call.operation === 'count_tokens'
    const rate = options.burndown?.(call.model) ?? dialect.burndown(call.model)
    const outputMeter = dialect.outputMeter
    let reserve = isCount ? 0 : dialect.reserve(call, countsReads)
    let isOver = isCount
    return {
      get headers() {
        return dialect.headers(metersOf(to), clock.epoch())
      },
      generated(tokens) {
        if (isOver || outputMeter === undefined) return
        // What was reserved for the answer is used up first.
        const amount = tokens * rate
        const fromReserve = Math.min(reserve, amount)
        reserve -= fromReserve
        to.buckets.get(outputMeter)?.take(amount - fromReserve, clock.now())
      },
      end() {
        if (isOver) return
        isOver = true
        if (outputMeter !== undefined && reserve > 0) to.buckets.get(outputMeter)?.take(-reserve, clock.now())
      },
    }
  }
  const admit = (call: LimitedCall): LimitedLease | LimitRefusal => {
    const to = pool(call.model)
    const refused = check(to, call)
    if (refused !== undefined) return refused
    const now = clock.now()
    for (const [name, amount] of charges(call)) {
      if (name !== 'outputTokens') to.buckets.get(name)?.take(amount, now)
    }
    if (call.operation !== 'count_tokens') to.acceleration?.count(call.inputTokens, now)
    return lease(to, call)
  }
  return {
    vendor,
    clock,
    admit,
    check: (call) => check(pool(call.model), call),
    meters: (model) => metersOf(pool(model)),
    close(model, ms) {
      const to = pool(model)
      to.closedUntil = Math.max(to.closedUntil, clock.now() + ms)
    },
  }
}

/** Whether a call was refused. */
export function isRefusal(answer: LimitedLease | LimitRefusal): answer is LimitRefusal {
  return 'status' in answer
}
