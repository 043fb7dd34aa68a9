import type { Budgets } from '@spillway/gateway-api'

type Budget = Budgets['budgets'][number]

/** One that is spent, one that is near its end, and others, those of which most is used first. */
export function budgetsAt(now: number): readonly Budget[] {
  const month = new Date(now)
  const startsAt = Date.UTC(month.getUTCFullYear(), month.getUTCMonth())
  const resetsAt = Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1)
  const budget = (
    name: string | null,
    dollars: number,
    share: number,
    more: Partial<Budget> = {},
  ): Budget => ({
    ...{ scope: 'client', name, tenantName: null, team: null, unit: 'usd', period: 'month', hard: true },
    ...{ amount: String(dollars * 1e9), used: String(Math.round(dollars * share * 1e9)), reserved: '0' },
    ...{ share, level: share >= 1 ? 'spent' : share >= 0.8 ? 'warned' : 'ok', startsAt, resetsAt },
    ...more,
  })
  return [
    budget('ci-nightly', 50, 1.02, { team: 'platform' }),
    budget('search-indexer', 400, 0.91, { team: 'search', reserved: '1200000000' }),
    budget('search', 1500, 0.83, { scope: 'team' }),
    budget('key-a03f61bb20c4Xk2_q9ZtVw', 50, 0.64, { tenantName: 'Search team' }),
    budget(null, 5000, 0.41, { scope: 'all' }),
    budget('web', 200, 0.22, { hard: false }),
    {
      ...budget('web', 1, 0.12),
      ...{ unit: 'requests', period: 'minute', amount: '600', used: '72', startsAt: now - 20_000 },
      resetsAt: now + 40_000,
    },
  ]
}
