export { sdkMiddleware, timeouts, wrapFetch } from '@spillway/attempt'
export { type AwsStandardOptions, awsStandardBudget } from './aws-standard-budget.ts'
export {
  type Backoff,
  type BackoffState,
  type ExponentialOptions,
  exponential,
  type Jitter,
} from './backoff.ts'
export { type BudgetByCallerOptions, budgetByCaller, budgetByCallerDefaults } from './budget-by-caller.ts'
export type {} from './events.ts'
export { awsStandard, tenacity } from './presets.ts'
export { type GiveUpReason, type RetryOptions, retry, retryDefaults } from './retry.ts'
export {
  type DepositBudgetOptions,
  depositBudget,
  type RetryBudget,
  unlimitedBudget,
} from './retry-budget.ts'
