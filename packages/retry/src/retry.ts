import {
  emit,
  type Failure,
  type Middleware,
  type ModelRequest,
  type ModelResponse,
  named,
  type SpillwayEvent,
  sleep,
  timeLeft,
} from '@spillway/middleware'
import { guardHook, guardListener, withDefaults, withListener } from '@spillway/middleware/kit'
import { failureKinds } from '@spillway/wire'
import { type Backoff, exponential, type Jitter } from './backoff.ts'
import { depositBudget, type RetryBudget, unlimitedBudget } from './retry-budget.ts'

/** Why a failed call was not tried once more. */
export type GiveUpReason = 'not_retryable' | 'attempts' | 'budget' | 'deadline' | 'alternative'

export interface RetryOptions {
  /**
   * Attempts of a call, the first included; 1 or more. Retries that the client has made already, by the header
   * `x-stainless-retry-count` of the official SDKs, count.
   * @default 3
   */
  readonly attempts?: number
  /**
   * The first wait, in milliseconds, before jitter.
   * @default 500
   */
  readonly baseDelay?: number
  /**
   * No wait of our own is longer, in milliseconds. What a server asks for is waited for, though.
   * @default 10000
   */
  readonly maxDelay?: number
  /**
   * No wait is shorter, in milliseconds.
   * @default 0
   */
  readonly minDelay?: number
  /**
   * Each wait is so many times the one before; 1 or more.
   * @default 2
   */
  readonly multiplier?: number
  /**
   * How jitter is applied to the waits.
   * @default 'full'
   */
  readonly jitter?: Jitter
  /**
   * The longest wait, in milliseconds, for a call that a fallback can answer (`context.hasAlternative`): where a retry
   * would have to wait longer, because the server asks for it or by the back-off, the fallback is asked at once.
   * @default 2000
   */
  readonly maxWaitWithFallback?: number
  /** A back-off of your own; replaces the delays and the jitter above. */
  readonly backoff?: Backoff
  /**
   * Retries for each first attempt, over all calls through this policy: 0.2 means one for five calls, plus ten to
   * begin with. Or a budget of your own, or `false` for none.
   * @default 0.2
   */
  readonly budget?: number | RetryBudget | false
  /**
   * The budget of shadow calls (`context.isShadow`): their retries are at no other call's cost.
   * @default another one like `budget`; of 0.2 where that is a `RetryBudget`
   */
  readonly shadowBudget?: number | RetryBudget | false
  /**
   * Decides whether a failure is worth another attempt; `undefined` leaves it to the default. Never asked of refusals of
   * Spillway's own and of calls that were cancelled; attempts, budget and deadline hold all the same.
   * @default what the failure says of itself (`retryable`), for kinds that can go away
   */
  readonly when?: (failure: Failure) => boolean | undefined
  /** Hears of each retry before its wait: the event `retry.scheduled`. What it throws touches no call. */
  readonly onRetry?: ((event: SpillwayEvent<'retry.scheduled'>) => unknown) | undefined
}

/** The defaults of {@link RetryOptions}. */
export const retryDefaults: Required<Omit<RetryOptions, 'backoff' | 'onRetry' | 'shadowBudget' | 'when'>> & {
  readonly when: (failure: Failure) => boolean
} = {
  attempts: 3,
  baseDelay: 500,
  maxDelay: 10_000,
  minDelay: 0,
  multiplier: 2,
  jitter: 'full',
  budget: 0.2,
  maxWaitWithFallback: 2_000,
  // Whatever a server advises, asking again changes nothing for some kinds.
  when: ({ retryable, kind }) => retryable && failureKinds[kind].retryable,
}

/**
 * Repeats calls that failed before their commit point, if that can help: decides by `response.failure` alone. What
 * the server asks to wait (`retry-after`) is a floor; where a wait does not fit the call's deadline, the failure is
 * returned at once, so that a fallback further out has the time instead. Where there is such a fallback, so is a timeout,
 * since the call has waited once already, and a failure whose retry would have to wait for more than a few seconds.
 *
 * @throws RangeError for options out of range
 */
export function retry(options: RetryOptions = {}): Middleware {
  const settings = withDefaults(retryDefaults, options)
  checkRanges(settings)
  const backoff = guardHook('retry.backoff', settings.backoff, exponential(settings), isWait)
  const when = guardHook('retry.when', settings.when, retryDefaults.when, isBoolean)
  const heard = withListener('retry.scheduled', options.onRetry)
  const ofCalls = budgetOf(settings.budget)
  const ofShadows = budgetOf(settings.shadowBudget ?? likeBudget(settings.budget))
  const retrying: Middleware = (next) => async (request) => {
    const attempts = Math.max(1, settings.attempts - retriesOfClient(request))
    const budget = request.context.isShadow ? ofShadows : ofCalls
    budget.onFirstAttempt(request)
    let waited = 0
    let retried: Failure | undefined
    for (let attempt = 1; ; attempt++) {
      const response = await next(request)
      const { failure } = response
      if (failure === undefined) {
        budget.onSuccess(retried, request)
        return response
      }
      waited = waitBefore(attempt, waited, failure, request, backoff)
      const reason = reasonToGiveUp(failure, attempt >= attempts, waited, request, {
        budget,
        maxWaitWithFallback: settings.maxWaitWithFallback,
        when,
      })
      if (reason !== undefined) {
        emit(request, 'retry.abandoned', { reason, failure })
        return withoutSecondOwner(response)
      }
      response.body.cancel()
      emit(heard(request), 'retry.scheduled', { retry: attempt, waitMs: waited, failure })
      await sleep(request.clock, waited, request.signal)
      retried = failure
    }
  }
  const { attempts, baseDelay, maxDelay } = settings
  return named(retrying, 'retry', { options: { attempts, baseDelay, maxDelay, when: options.when } })
}

function waitBefore(
  retry: number,
  previous: number,
  failure: Failure,
  { clock }: ModelRequest,
  backoff: Backoff,
): number {
  return Math.max(backoff({ retry, previous, random: () => clock.random() }), failure.retryAfterMs ?? 0)
}

interface GiveUpRules {
  readonly budget: RetryBudget
  readonly maxWaitWithFallback: number
  readonly when: (failure: Failure) => boolean
}

const isBoolean = (answer: unknown): boolean => typeof answer === 'boolean'

const isWait = (answer: unknown): boolean => typeof answer === 'number' && answer >= 0 && answer < Infinity

/** The budget is asked last, since it is charged when it agrees. */
function reasonToGiveUp(
  failure: Failure,
  wasLast: boolean,
  wait: number,
  request: ModelRequest,
  { budget, maxWaitWithFallback, when }: GiveUpRules,
): GiveUpReason | undefined {
  const isOver = failure.origin === 'spillway' || failure.kind === 'cancelled'
  if (isOver || !when(failure)) return 'not_retryable'
  if (wasLast) return 'attempts'
  if (request.context.hasAlternative) {
    const hasWaitedAlready = failure.kind === 'timeout' && failure.phase !== 'connect'
    if (hasWaitedAlready || wait > maxWaitWithFallback) return 'alternative'
  }
  if (wait >= timeLeft(request.deadline, request.clock)) return 'deadline'
  return budget.withdraw(failure, request) ? undefined : 'budget'
}

/** Retries have one owner: an SDK in front is told not to begin again. */
function withoutSecondOwner(response: ModelResponse): ModelResponse {
  return { ...response, headers: { ...response.headers, 'x-should-retry': 'false' } }
}

/** How often the client says that it has sent this very call before. */
function retriesOfClient({ headers }: ModelRequest): number {
  const count = Number(headers['x-stainless-retry-count'] ?? 0)
  return Number.isInteger(count) && count > 0 ? count : 0
}

function likeBudget(budget: number | RetryBudget | false): number | RetryBudget | false {
  return typeof budget === 'object' ? retryDefaults.budget : budget
}

function budgetOf(budget: number | RetryBudget | false): RetryBudget {
  if (budget === false) return unlimitedBudget
  return typeof budget === 'number' ? depositBudget({ ratio: budget }) : guardedBudget(budget)
}

/** A budget of the user's that is broken allows no retries. */
function guardedBudget(budget: RetryBudget): RetryBudget {
  const withdraw = guardHook(
    'RetryBudget.withdraw',
    (failure: Failure | undefined, request?: ModelRequest) => budget.withdraw(failure, request),
    () => false,
    isBoolean,
  )
  return {
    onFirstAttempt: guardListener('RetryBudget.onFirstAttempt', (request) => budget.onFirstAttempt(request)),
    withdraw,
    onSuccess: guardListener('RetryBudget.onSuccess', (last, request) => budget.onSuccess(last, request)),
    get balance() {
      return budget.balance
    },
  }
}

function checkRanges(settings: Omit<RetryOptions, 'backoff'>): void {
  const check = (name: keyof typeof settings, least: number): void => {
    const value = settings[name]
    if (typeof value === 'number' && !(value >= least)) {
      throw new RangeError(`retry.${name} must be ${least} or more, but is ${value}`)
    }
  }
  check('attempts', 1)
  check('baseDelay', 0)
  check('maxDelay', 0)
  check('minDelay', 0)
  check('multiplier', 1)
  check('budget', 0)
  check('shadowBudget', 0)
  check('maxWaitWithFallback', 0)
}
