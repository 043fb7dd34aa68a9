import { type BudgetEvent, type BudgetStatus, levelOf, meterOf } from '@spillway/budgets'
import { RecentMap } from '@spillway/middleware/kit'
import { scopeIn, timeIn, usedIn } from '../budgets/budget-words.ts'
import type { Incident } from './incident.ts'

/** Budgets that are remembered as used up, or nearly. */
const mostBudgets = 1_000

/** Watches for budgets that reach their `warnAt`, and for those that are spent. */
export interface SpentBudgets {
  note(event: BudgetEvent): void
  /** How budgets are that a call counts on: one that was raised is no incident any more. */
  saw(statuses: readonly BudgetStatus[]): void
  incidents(now: number): Incident[]
}

export function watchBudgets(): SpentBudgets {
  const found = new RecentMap<BudgetEvent>(mostBudgets)
  const keys = new Set<string>()
  const keyOf = ({ rule }: Pick<BudgetStatus, 'rule'>): string => `${meterOf(rule)} ${rule.id}`
  const forget = (key: string): void => {
    found.delete(key)
    keys.delete(key)
  }
  return {
    note(event) {
      // A limit that resets within the minute paces calls; an operator cannot act on it.
      if (event.status.rule.period === 'minute') return
      const key = keyOf(event.status)
      found.set(key, event)
      keys.add(key)
    },
    saw(statuses) {
      if (keys.size === 0) return
      for (const status of statuses) {
        const key = keyOf(status)
        const known = found.get(key)
        if (known === undefined || known.status.rule.amount === status.rule.amount) continue
        const level = levelOf(status)
        if (level === 'ok') forget(key)
        else found.set(key, { type: `budget.${level}`, status })
      }
    },
    incidents(now) {
      return [...keys].flatMap((key): Incident[] => {
        const event = found.get(key)
        if (event === undefined || event.status.resetsAt <= now) {
          forget(key)
          return []
        }
        return incidentsOf(event)
      })
    },
  }
}

function incidentsOf({ type, status }: BudgetEvent): Incident[] {
  const { rule, resetsAt } = status
  const isSpent = type === 'budget.spent'
  const then = isSpent && rule.hard ? 'calls are refused' : 'it begins again'
  const message = `${usedIn(status)} ${rule.unit === 'usd' ? 'is' : 'are'} used; ${then}${isSpent && rule.hard ? ' until' : ' at'} ${timeIn(resetsAt)}`
  const subject = `${scopeIn(rule.scope)}: ${rule.id}`
  const common = { kind: 'budget', subject, message, since: null } as const
  // Two incidents: that it is spent is told though it was warned of.
  return [
    { ...common, severity: 'warning' },
    ...(isSpent ? [{ ...common, severity: 'critical' } as const] : []),
  ]
}
