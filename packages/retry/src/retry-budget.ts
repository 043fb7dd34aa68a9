import type { Failure, ModelRequest } from '@spillway/middleware'

/**
 * What limits retries and hedges over many calls. One budget belongs to one target and is shared by all its calls, so
 * that a dead target costs little more than its first attempts.
 */
export interface RetryBudget {
  /** A first attempt of `request` is about to be made. */
  onFirstAttempt(request?: ModelRequest): void
  /**
   * Asks for an extra attempt; true takes what it costs.
   * @param failure what a retry repeats; undefined for a hedge, whose call has not failed
   */
  withdraw(failure: Failure | undefined, request?: ModelRequest): boolean
  /** A call has succeeded; `lastRetry` is the failure whose retry did it, undefined for a first attempt. */
  onSuccess(lastRetry: Failure | undefined, request?: ModelRequest): void
  /** Tokens left, for people and metrics. */
  readonly balance: number
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
 * A budget to which each first attempt deposits `ratio` tokens and from which each retry or hedge takes one. N calls
 * cause at most `ratio` x N + `initial` extra attempts. The scheme is Finagle's `RetryBudget`.
 *
 * With a ratio of 0 there are no hedges: what a budget begins with is for calls that fail.
 */
export function depositBudget({ ratio, initial = 10, cap = 100 }: DepositBudgetOptions): RetryBudget {
  // Counted in thousandths, so that 0.1 deposited ten times is one.
  const unit = 1000
  let tokens = Math.min(initial, cap) * unit
  return {
    onFirstAttempt() {
      tokens = Math.min(cap * unit, tokens + Math.round(ratio * unit))
    },
    withdraw(failure) {
      if (tokens < unit || (failure === undefined && ratio === 0)) return false
      tokens -= unit
      return true
    },
    onSuccess() {},
    get balance() {
      return tokens / unit
    },
  }
}

/** No limit but the number of attempts of each call. */
export const unlimitedBudget: RetryBudget = {
  onFirstAttempt() {},
  withdraw: () => true,
  onSuccess() {},
  balance: Infinity,
}
