import { RecentMap } from '@spillway/middleware/kit'
import { meterOf } from './rule.ts'
import { type BudgetStatus, levelOf } from './status.ts'

/** A budget has reached its `warnAt`, or all of it is used: said once for each rule and period. */
export interface BudgetEvent {
  readonly type: 'budget.warned' | 'budget.spent'
  readonly status: BudgetStatus
}

/** Rules whose last event is remembered. */
const mostRemembered = 100_000

/** Which events have been raised. @returns hears how a budget is; where it `isSpent`, whatever is left of it is too little */
export function budgetWarnings(
  raise: (event: BudgetEvent) => void,
): (status: BudgetStatus, isSpent?: boolean) => void {
  const raised = new RecentMap<{ startsAt: number; isSpent: boolean }>(mostRemembered)
  return (status, isSpent = false) => {
    const level = isSpent ? 'spent' : levelOf(status)
    if (level === 'ok') return
    const { rule, startsAt } = status
    const key = `${meterOf(rule)} ${rule.amount} ${rule.id}`
    const before = raised.get(key)
    const isNews = before?.startsAt !== startsAt || (level === 'spent' && !before.isSpent)
    if (!isNews) return
    raised.set(key, { startsAt, isSpent: level === 'spent' })
    raise({ type: `budget.${level}`, status })
  }
}
