import { type BudgetStatus, utilization } from '@spillway/budgets'
import { fullest } from '../budgets/fullest-budget.ts'
import { capPeriodOf, nanoPerCent } from './caps.ts'

/**
 * What `GET /api/oauth/usage` says, by which Claude Code shows `/usage`: of the budgets in USD of whoever asks, or how much was spent where
 * there are none.
 * @param spentNano by the month, where there is no budget
 */
export function oauthUsage(statuses: readonly BudgetStatus[], spentNano: number): object {
  const caps = statuses.filter(({ rule }) => rule.unit === 'usd' && capPeriodOf(rule.period) !== undefined)
  const main = fullest(caps)
  if (main === undefined) {
    const used = Math.floor(spentNano / nanoPerCent)
    return {
      extra_usage: {
        is_enabled: true,
        monthly_limit: null,
        used_credits: used,
        utilization: null,
        currency: 'USD',
      },
      limits: [],
    }
  }
  return {
    extra_usage: {
      is_enabled: true,
      monthly_limit: Math.round(main.rule.amount / nanoPerCent),
      used_credits: Math.floor(main.used / nanoPerCent),
      utilization: percentOf(main),
      currency: 'USD',
    },
    limits: caps.map((each) => ({
      kind: 'spend',
      group: capPeriodOf(each.rule.period),
      percent: percentOf(each),
      resets_at: new Date(each.resetsAt).toISOString(),
      severity: severityOf(utilization(each)),
      is_active: each === main,
    })),
  }
}

/** Of what is not spent 99 at most, as clients show it. */
function percentOf(status: BudgetStatus): number {
  const share = utilization(status)
  return share >= 1 ? Math.round(share * 100) : Math.min(99, Math.round(share * 100))
}

function severityOf(share: number): 'normal' | 'warning' | 'critical' {
  if (share > 0.95) return 'critical'
  return share > 0.75 ? 'warning' : 'normal'
}
