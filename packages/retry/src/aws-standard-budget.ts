import type { Failure } from '@spillway/middleware'
import type { RetryBudget } from './retry-budget.ts'

export interface AwsStandardOptions {
  /**
   * Tokens to begin with and at most.
   * @default 500
   */
  readonly capacity?: number
}

const retryCost = 5
const timeoutCost = 10
const successIncrement = 1

/**
 * The retry quota of the standard mode of AWS's SDKs ("AWS SDKs and Tools Reference Guide: Retry behavior"): a retry
 * costs 5 tokens, after a timeout 10; a retry that succeeds gives back what it cost, a first attempt that succeeds
 * adds 1.
 */
export function awsStandardBudget({ capacity = 500 }: AwsStandardOptions = {}): RetryBudget {
  let tokens = capacity
  return {
    onFirstAttempt() {},
    withdraw(failure) {
      const cost = costOf(failure)
      if (tokens < cost) return false
      tokens -= cost
      return true
    },
    onSuccess(lastRetry) {
      tokens = Math.min(capacity, tokens + (lastRetry === undefined ? successIncrement : costOf(lastRetry)))
    },
    get balance() {
      return tokens
    },
  }
}

function costOf(failure: Failure | undefined): number {
  const kind = failure?.kind
  return kind === 'timeout' || kind === 'connection' ? timeoutCost : retryCost
}
