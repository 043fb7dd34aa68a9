import { awsStandardBudget } from './aws-standard-budget.ts'
import type { RetryOptions } from './retry.ts'

/**
 * The schedule that many Python services use: three attempts, waits of 1 s x 2^n held between 2 s and 10 s, no
 * jitter (tenacity: `stop_after_attempt(3)`, `wait_exponential(multiplier=1, min=2, max=10)`).
 */
export const tenacity: RetryOptions = {
  attempts: 3,
  baseDelay: 1_000,
  multiplier: 2,
  minDelay: 2_000,
  maxDelay: 10_000,
  jitter: 'none',
}

/**
 * The standard mode of AWS's SDKs: three attempts, full jitter on 1 s x 2^n up to 20 s, and its retry quota in place
 * of the usual budget. A function, since each target needs its own quota.
 */
export function awsStandard(): RetryOptions {
  return {
    attempts: 3,
    baseDelay: 1_000,
    multiplier: 2,
    maxDelay: 20_000,
    jitter: 'full',
    budget: awsStandardBudget(),
  }
}
