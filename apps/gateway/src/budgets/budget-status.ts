export type BudgetUnit = 'requests' | 'tokens' | 'usd'
export type BudgetPeriod = 'minute' | 'day' | 'week' | 'month'
export type BudgetScope =
  | { readonly type: 'client' | 'team'; readonly name: string }
  | { readonly type: 'all' }
export interface BudgetRule {
  readonly id: string
  readonly scope: BudgetScope
  readonly unit: BudgetUnit
  readonly period: BudgetPeriod
  readonly amount: number
  readonly hard: boolean
  readonly warnAt?: number | undefined
}
export interface BudgetStatus {
  readonly rule: BudgetRule
  readonly used: number
  readonly reserved: number
  readonly startsAt: number
  readonly resetsAt: number
}
export interface BudgetRefusal extends BudgetStatus {
  readonly reason: 'spent' | 'reserved' | 'too_large' | 'unpriced'
  readonly expected: number
}
export const budgetRuleDefaults: { readonly warnAt: number } = { warnAt: 0.8 }
export const utilization = ({ rule, used }: Pick<BudgetStatus, 'rule' | 'used'>): number =>
  rule.amount === 0 ? 1 : used / rule.amount
