import { type BudgetRule, budgetRuleDefaults } from './rule.ts'

/** How a budget is in its current period. Amounts are in the unit of its rule. */
export interface BudgetStatus {
  readonly rule: BudgetRule
  /** By calls that are over. */
  readonly used: number
  /** By calls in flight, at the most that they may use. */
  readonly reserved: number
  /** When the current period began and when the next one begins, in milliseconds since the Unix epoch. */
  readonly startsAt: number
  readonly resetsAt: number
}

/**
 * Why a call was not admitted. `spent`: what is left is less than it is expected to use. `reserved`: enough is left, but calls in flight
 * may use it, and will give part of it back when they are over: worth another try soon. `too_large`: it alone is expected to use more than
 * the whole amount of a period. `unpriced`: the price of the call is unknown.
 */
export type BudgetRefusalReason = 'spent' | 'reserved' | 'too_large' | 'unpriced'

export interface BudgetRefusal extends BudgetStatus {
  readonly reason: BudgetRefusalReason
  /** What the call was expected to use. */
  readonly expected: number
}

/** `warned` from the rule's `warnAt` on, `spent` when all is used. */
export type BudgetLevel = 'ok' | 'warned' | 'spent'

/** The share of a budget that has been used; more than 1 where calls have used more than they had reserved. */
export function utilization({ rule, used }: Pick<BudgetStatus, 'rule' | 'used'>): number {
  return rule.amount === 0 ? 1 : used / rule.amount
}

export function levelOf(status: Pick<BudgetStatus, 'rule' | 'used'>): BudgetLevel {
  const share = utilization(status)
  if (share >= 1) return 'spent'
  return share >= (status.rule.warnAt ?? budgetRuleDefaults.warnAt) ? 'warned' : 'ok'
}
