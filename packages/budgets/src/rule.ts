export const budgetUnits = ['requests', 'tokens', 'usd'] as const
export const budgetPeriods = ['minute', 'day', 'week', 'month'] as const

export type BudgetUnit = (typeof budgetUnits)[number]
export type BudgetPeriod = (typeof budgetPeriods)[number]

/** Who shares a budget. */
export type BudgetScope =
  | { readonly type: 'client' | 'team'; readonly name: string }
  /** Everyone together. */
  | { readonly type: 'all' }

/** What may be used in each period. */
export interface BudgetRule {
  /** For people and for events. What has been used does not depend on it, see {@link meterOf}. */
  readonly id: string
  readonly scope: BudgetScope
  readonly unit: BudgetUnit
  readonly period: BudgetPeriod
  /** A whole number, 0 or more; of `usd` in nano-dollars, as costs are in `@spillway/usage`. 0 allows nothing. */
  readonly amount: number
  /** Whether calls beyond it are refused. Otherwise it only warns. */
  readonly hard: boolean
  /** The share of the amount at which a warning is raised. @default 0.8 */
  readonly warnAt?: number | undefined
}

/** The defaults of {@link BudgetRule}. */
export const budgetRuleDefaults: { readonly warnAt: number } = { warnAt: 0.8 }

/**
 * What a rule counts with. Rules of the same scope, unit and period share what has been used, whatever else they say: a soft rule beside
 * a hard one, a rule whose amount has changed.
 */
export function meterOf({ scope, unit, period }: Pick<BudgetRule, 'scope' | 'unit' | 'period'>): string {
  return scope.type === 'all' ? `all:${unit}:${period}` : `${scope.type}:${unit}:${period}:${scope.name}`
}

/** @throws RangeError for a rule that cannot be kept, saying why */
export function checkRule(rule: BudgetRule): void {
  const { id, unit, period, amount, warnAt } = rule
  const wrong = (why: string): never => {
    throw new RangeError(`budget ${id}: ${why}`)
  }
  if (!budgetUnits.includes(unit)) wrong(`unit must be one of ${budgetUnits.join(', ')}, but is ${unit}`)
  if (!budgetPeriods.includes(period))
    wrong(`period must be one of ${budgetPeriods.join(', ')}, but is ${period}`)
  if (!Number.isSafeInteger(amount) || amount < 0)
    wrong(`amount must be a whole number from 0 to 2^53 - 1, but is ${amount}`)
  if (warnAt !== undefined && !(warnAt > 0 && warnAt <= 1))
    wrong(`warnAt must be above 0 and at most 1, but is ${warnAt}`)
}
