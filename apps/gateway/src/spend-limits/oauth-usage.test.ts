import type { BudgetRule, BudgetStatus } from '@spillway/budgets'
import { expect, it } from 'vitest'
import { oauthUsage } from './oauth-usage.ts'

const status = (share: number, rule: Partial<BudgetRule> = {}): BudgetStatus => ({
  rule: {
    ...{ id: 'r', scope: { type: 'client', name: 'alice' }, unit: 'usd', period: 'month' },
    ...{ amount: 50e9, hard: true },
    ...rule,
  },
  ...{ used: share * 50e9, reserved: 0, startsAt: 0, resetsAt: Date.UTC(2026, 11) },
})

it.each([
  [0.3, 30, 'normal'],
  [0.8, 80, 'warning'],
  [0.999, 99, 'critical'],
  [1.2, 120, 'critical'],
])('a budget of which %d is used is shown as %d %%, %s', (share, percent, severity) => {
  expect(oauthUsage([status(share)], 0)).toEqual({
    extra_usage: {
      ...{ is_enabled: true, monthly_limit: 5_000, used_credits: Math.floor(share * 5_000) },
      ...{ utilization: percent, currency: 'USD' },
    },
    limits: [
      {
        ...{ kind: 'spend', group: 'monthly', percent, severity, is_active: true },
        resets_at: '2026-12-01T00:00:00.000Z',
      },
    ],
  })
})

it('limits in other units and by the minute are none of it; without a budget it says what was spent', () => {
  const others = [status(1, { unit: 'tokens' }), status(1, { period: 'minute' })]
  expect(oauthUsage(others, 12_345_678_901)).toEqual({
    extra_usage: {
      ...{ is_enabled: true, monthly_limit: null, used_credits: 1_234, utilization: null, currency: 'USD' },
    },
    limits: [],
  })
})
