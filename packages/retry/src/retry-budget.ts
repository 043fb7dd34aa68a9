import type { Failure, ModelRequest } from '@spillway/middleware'

/**
 * What limits retries over many calls. One budget belongs to one target and is shared by all its calls, so that a
 * dead target costs little more than its first attempts.
 */
export interface RetryBudget {
  /** A first attempt of `request` is about to be made. */
  onFirstAttempt(request?: ModelRequest): void
  /** Asks for a retry of `failure`; true takes what it costs. */
  take(failure: Failure, request?: ModelRequest): boolean
  /** A call has succeeded; `lastRetry` is the failure whose retry did it, undefined for a first attempt. */
  onSuccess(lastRetry: Failure | undefined, request?: ModelRequest): void
  /** Tokens left, for people and metrics. */
  readonly left: number
}

export interface DepositBudgetOptions {
  /** Tokens that each first attempt deposits, 0 or more. */
  readonly ratio: number
  /**
   * Tokens to begin with.
   * @default 10
   */
  readonly initial?: number
  /**
   * Tokens at most.
   * @default 100
   */
  readonly cap?: number
}

/**
 * A budget to which each first attempt deposits `ratio` tokens and from which each retry takes one. N calls cause
 * at most `ratio` x N + `initial` retries. The scheme is Finagle's `RetryBudget`.
 */
export function depositBudget({ ratio, initial = 10, cap = 100 }: DepositBudgetOptions): RetryBudget {
  // Counted in thousandths, so that 0.1 deposited ten times is one.
  const unit = 1000
  let tokens = Math.min(initial, cap) * unit
  return {
    onFirstAttempt() {
      tokens = Math.min(cap * unit, tokens + Math.round(ratio * unit))
    },
    take() {
      if (tokens < unit) return false
      tokens -= unit
      return true
    },
    onSuccess() {},
    get left() {
      return tokens / unit
    },
  }
}

/** No limit but the number of attempts of each call. */
export const unlimitedBudget: RetryBudget = {
  onFirstAttempt() {},
  take: () => true,
  onSuccess() {},
  left: Infinity,
}
