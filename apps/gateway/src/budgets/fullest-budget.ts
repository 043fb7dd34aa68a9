import { type BudgetStatus, utilization } from '@spillway/budgets'

/** Limits by the minute come back while a call waits; of a budget nothing does, so that a person has to know. */
export const isPace = ({ rule }: Pick<BudgetStatus, 'rule'>): boolean => rule.period === 'minute'

/** The budget that a caller is told of: that of which most is used, and of several alike the one that ends last. */
export function fullest(statuses: readonly BudgetStatus[]): BudgetStatus | undefined {
  let found: BudgetStatus | undefined
  for (const each of statuses) {
    if (isPace(each)) continue
    const more = found === undefined ? 1 : utilization(each) - utilization(found)
    if (more > 0 || (more === 0 && each.resetsAt >= (found?.resetsAt ?? 0))) found = each
  }
  return found
}
