import {
  emit,
  type Handler,
  type Middleware,
  type ModelRequest,
  type ModelResponse,
  named,
} from '@spillway/middleware'
import { fieldOf, guardHook, longestWait, withDefaults } from '@spillway/middleware/kit'
import { limitGroup, refuse } from '@spillway/wire'
import { TypicalDuration } from '@spillway/wire/internal'
import { AdaptiveAdmission } from './adaptive-admission.ts'
import type { Admission, Lease } from './admission.ts'
import type { AdaptiveConcurrencyOptions } from './gradient.ts'
import { ifWanted } from './if-wanted.ts'
import { type LimitStore, memoryLimitStore } from './limit-store.ts'
import { type KeyedLimiter, LimiterMap } from './limiter-map.ts'
import { type Limits, limitRules } from './limits.ts'
import { sendAndSettle } from './settlement.ts'
import { acquireSpare } from './spare-capacity.ts'
import { type Estimate, sentAt, TokenEstimator } from './token-estimator.ts'
import { WaitQueue } from './wait-queue.ts'
import type { TurnedAway } from './waiting-call.ts'

export interface RateLimitOptions extends Limits {
  /**
   * Requests to count tokens in any 60 s. They are free and limited apart by vendors, so that nothing else limits them, and
   * a 429 to one of them stops no other calls.
   * @default no limit
   */
  readonly countRequestsPerMinute?: number | undefined
  /**
   * How long a call waits for capacity at most, in milliseconds; its deadline may allow less.
   * @default 30000
   */
  readonly maxWait?: number
  /**
   * The same for a call that a fallback can answer (`context.hasAlternative`).
   * @default 2000
   */
  readonly maxWaitWithFallback?: number
  /**
   * How many calls wait at most; further ones are refused.
   * @default 1000
   */
  readonly maxQueued?: number
  /**
   * A waiting call's priority: 0 goes first, 9 last. It is rounded; what is not a number counts as 5, and so does whatever
   * throws.
   * @default 5 for all
   */
  readonly priority?: (request: ModelRequest) => number
  /**
   * After so many milliseconds a waiting call goes one priority ahead. Calls that pass another one, because they need less,
   * put it off by no more than that.
   * @default 10000
   */
  readonly ageing?: number
  /**
   * Whose limits a call counts against: calls with the same key share them.
   * @default one for all
   */
  readonly key?: (request: ModelRequest) => string
  /**
   * Which of the vendor's limits of a key a call counts against: the windows and closures of each group are its own, while
   * `concurrency` holds for the key. `() => ''` counts all models together. Of the names that callers make up, 32 are kept
   * for each key; further ones share one group.
   * @default the model, or its family where Anthropic limits that
   */
  readonly group?: (request: ModelRequest) => string
  /**
   * Whether the vendor's headers and 429s concern these limits. `false` for limits of your own, of a tenant for instance.
   * @default true
   */
  readonly applyVendorLimits?: boolean
  /**
   * How many keys are kept at most. One is evicted when nothing counts against its limits any more; beyond `maxKeys`
   * also one that has used little of them.
   * @default 1000000
   */
  readonly maxKeys?: number
  /**
   * How long a vendor's 429 stops calls at most, in milliseconds, whatever wait it names. Where that is longer than a minute,
   * one call each minute shows whether the vendor still refuses.
   * @default 600000
   */
  readonly maxRetryAfter?: number
  /**
   * Whether tokens read from the prompt cache count as input. Anthropic does not count them for most models.
   * @default false
   */
  readonly countCacheReads?: boolean
  /**
   * Where the limits are counted: in this process, or in a Redis that several processes share (`redisLimitStore`).
   * @default in this process
   */
  readonly store?: LimitStore
  /**
   * What these limits are called in a store that is shared: limits of the same name and key are the same limits.
   * @default ''
   */
  readonly name?: string
  /**
   * Bounds the calls of this process in flight to what the upstream can take, found from how long their
   * first tokens take; `{}` for the usual. `concurrency` bounds it further.
   * @default off
   */
  readonly adaptiveConcurrency?: AdaptiveConcurrencyOptions
}

/** Whose limits a call counts against where the vendor has some for each model or family of models. */
function vendorsGroup({ model, body }: ModelRequest): string {
  return limitGroup(model, fieldOf(body, 'speed', longestSpeed))
}

/** Bytes of `"standard"`, and some. */
const longestSpeed = 32

/** The defaults of {@link RateLimitOptions}. */
export const rateLimitDefaults: Required<
  Omit<RateLimitOptions, keyof Limits | 'countRequestsPerMinute' | 'store' | 'adaptiveConcurrency'>
> = {
  maxWait: 30_000,
  maxWaitWithFallback: 2_000,
  maxQueued: 1_000,
  priority: () => 5,
  ageing: 10_000,
  key: () => '',
  group: vendorsGroup,
  applyVendorLimits: true,
  maxKeys: 1_000_000,
  maxRetryAfter: limitRules.maxRetryAfter,
  countCacheReads: false,
  name: '',
}

function settingsOf(options: RateLimitOptions): RateLimitOptions & typeof rateLimitDefaults {
  const { priority, key, group } = rateLimitDefaults
  const isText = (answer: unknown): boolean => typeof answer === 'string'
  return {
    ...withDefaults(rateLimitDefaults, options),
    priority: guardHook(
      'rateLimit.priority',
      options.priority,
      priority,
      (answer) => typeof answer === 'number',
    ),
    key: guardHook('rateLimit.key', options.key, key, isText),
    group: guardHook('rateLimit.group', options.group, group, isText),
  }
}

/** A rate limit as a middleware, and what can be read of it. */
export interface RateLimit {
  readonly middleware: Middleware
  /** The limiter of a key; undefined until a call with it has come. */
  limiter(key?: string): Admission | undefined
  /** How many calls wait, over all keys. */
  readonly waiting: number
  /** Opens by hand what a vendor's 429 has closed, and forgets what it said is left: of a key, or of all. */
  open(key?: string): void
  /** No more calls will come: removes the listeners of a shared store. Calls in flight are settled all the same. */
  close(): void
}

/**
 * Keeps calls within limits. Where there is capacity and the queue is empty, a call is admitted at once; otherwise it waits its
 * turn, or is refused at once with a truthful `retry-after` where its turn would come too late even if all calls in flight
 * settled at what is expected of them (`saturated`: never retried, and handed to a fallback at once).
 *
 * Tokens are reserved by an estimate and settled when the call's `outcome` is known.
 * @throws RangeError for limits that let nothing through
 */
export function rateLimit(options: RateLimitOptions): Middleware {
  return createRateLimit(options).middleware
}

/** The same, for those who want to look inside. */
export function createRateLimit(options: RateLimitOptions): RateLimit {
  const settings = settingsOf(options)
  for (const name of [
    'maxWait',
    'maxWaitWithFallback',
    'maxQueued',
    'ageing',
    'maxKeys',
    'maxRetryAfter',
  ] as const) {
    if (!(settings[name] >= 0))
      throw new RangeError(`rateLimit.${name} must be 0 or more, but is ${settings[name]}`)
  }
  const { countRequestsPerMinute = Infinity } = options
  if (!(countRequestsPerMinute >= 1)) {
    throw new RangeError(
      `rateLimit.countRequestsPerMinute must be 1 or more, but is ${countRequestsPerMinute}`,
    )
  }
  const store = options.store ?? memoryLimitStore()
  const adaptive = options.adaptiveConcurrency
  const estimator = new TokenEstimator(settings)
  const usual = new TypicalDuration()
  const keysOf = (open: (name: string) => Admission): LimiterMap => {
    const limiter = (key: string): Admission => open(`${settings.name}:${key}`)
    return new LimiterMap({ limiter, queue: (of) => new WaitQueue(of, settings) }, settings.maxKeys)
  }
  const limiters = keysOf((name) => {
    const counted = store.open(name, options, settings)
    return adaptive === undefined ? counted : new AdaptiveAdmission(counted, adaptive)
  })
  // Counts of tokens have separate limits.
  const counting = keysOf((name) => {
    // Without a limit there is nothing to share.
    if (countRequestsPerMinute === Infinity) return memoryLimitStore().open(name, {}, settings)
    return store.open(`${name}\ncount_tokens`, { requestsPerMinute: countRequestsPerMinute }, settings)
  })
  // Bad limits show here, not at the first call.
  limiters.add('')

  /** A call that is not admitted at once: a shared store is asked, or it waits its turn. */
  const admit = async (
    request: ModelRequest,
    keyed: KeyedLimiter,
    asked: Estimate,
    answer: Promise<Lease | undefined> | undefined,
    send: (lease: Lease, reserved: Estimate) => Promise<ModelResponse>,
  ): Promise<ModelResponse> => {
    const lease = answer && (await ifWanted(answer, request))
    if (lease !== undefined) return send(lease, asked)
    if (request.context.isShadow) return saturated(request, { reason: 'spare' })
    const { clock } = request
    const { group } = asked
    let cost = asked
    const begun = clock.now()
    const patience = longestWait(request, settings)
    const wait = () =>
      keyed.queue.enter({
        cost,
        priority: settings.priority(request),
        patience,
        since: begun,
        holdsFor: cost.holdsFor,
        clock,
        signal: request.signal,
      })
    let turn = await wait()
    while ('reason' in turn && turn.reason === 'outdated') {
      // The vendor has forgotten the prompt meanwhile.
      cost = { ...estimator.estimate(request), group }
      turn = await wait()
    }
    if ('reason' in turn) return saturated(request, turn)
    const waitMs = clock.now() - begun
    if (waitMs > 0) emit(request, 'limit.waited', { waitMs })
    return send(turn, { ...sentAt(cost, clock.now()), group })
  }

  /** Most calls are admitted at once, and go on without a promise in between. */
  const enter = (next: Handler, request: ModelRequest): Promise<ModelResponse> => {
    const keys = request.operation === 'count_tokens' ? counting : limiters
    const keyed = keys.at(settings.key(request), request.clock)
    const group = settings.group(request)
    const cost = { ...estimator.estimate(request), group }
    const send = (lease: Lease, reserved: Estimate): Promise<ModelResponse> =>
      sendAndSettle(next, {
        request,
        lease,
        reserved,
        estimator,
        usual,
        countCacheReads: settings.countCacheReads,
        appliesVendorLimits: settings.applyVendorLimits,
      })
    const { clock } = request
    const isFree = keyed.waiting === 0
    const answer =
      isFree && request.context.isShadow
        ? acquireSpare(keyed.limiter, cost, clock)
        : isFree
          ? keyed.limiter.tryAcquire(cost, clock.now())
          : undefined
    if (answer !== undefined && !(answer instanceof Promise)) return send(answer, cost)
    return admit(request, keyed, cost, answer, send)
  }

  const middleware: Middleware = (next) => (request) => {
    try {
      return enter(next, request)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  const { store: _, name: __, ...set } = options
  return {
    middleware: named(middleware, 'rate limit', { options: set }),
    limiter: (key = '') => limiters.find(key)?.limiter,
    open(key) {
      limiters.open(key)
      counting.open(key)
    },
    close() {
      limiters.close()
      counting.close()
    },
    get waiting() {
      return limiters.waiting + counting.waiting
    },
  }
}

const reasons: Readonly<Record<TurnedAway['reason'] | 'spare', string>> = {
  full: 'too many calls are queued for the rate limit',
  too_long: 'the rate limit will have no capacity in time',
  impatient: 'the rate limit had no capacity in time',
  outdated: 'the rate limit had no capacity in time',
  spare: 'a call for comparison leaves half of the rate limit to others, and never waits',
}

function saturated(
  request: ModelRequest,
  { reason, retryAfterMs }: TurnedAway | { readonly reason: 'spare'; readonly retryAfterMs?: undefined },
): ModelResponse {
  return refuse(request, { kind: 'saturated', message: reasons[reason], retryAfterMs })
}
