export type { BudgetAmounts, BudgetEstimate } from './amounts.ts'
export {
  type BudgetDecision,
  type Budgets,
  type BudgetsOptions,
  createBudgets,
  isBudgetRefusal,
  type Reservation,
} from './budgets.ts'
export {
  type MemoryBudgetStoreOptions,
  memoryBudgetStore,
  memoryBudgetStoreDefaults,
} from './memory-store.ts'
export { periodAt, type Span } from './period.ts'
export type { RedisClient } from './redis-link.ts'
export {
  type RedisBudgetStore,
  type RedisBudgetStoreOptions,
  redisBudgetStore,
  redisBudgetStoreDefaults,
} from './redis-store.ts'
export {
  type BudgetPeriod,
  type BudgetRule,
  type BudgetScope,
  type BudgetUnit,
  budgetPeriods,
  budgetRuleDefaults,
  budgetUnits,
  checkRule,
  meterOf,
} from './rule.ts'
export {
  type BudgetLevel,
  type BudgetRefusal,
  type BudgetRefusalReason,
  type BudgetStatus,
  levelOf,
  utilization,
} from './status.ts'
export type { BudgetStore, MaybePromise, Meter, MeterDemand, MeterState, Taken } from './store.ts'
export type { BudgetEvent } from './warnings.ts'
