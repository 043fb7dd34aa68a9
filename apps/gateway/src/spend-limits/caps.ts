import { createHash } from 'node:crypto'
import type { BudgetPeriod } from '@spillway/budgets'

// Spend limits as Anthropic's Admin API and its own gateway say them: caps in USD for a client, for each member of a team, for each client.

export type CapScope =
  | { readonly type: 'organization' }
  | { readonly type: 'rbac_group'; readonly rbac_group_id: string }
  | { readonly type: 'user'; readonly user_id: string }

/** From the shortest to the longest. */
export const capPeriods = ['daily', 'weekly', 'monthly'] as const
export type CapPeriod = (typeof capPeriods)[number]

/** A cap of one scope and period. */
export interface Cap {
  readonly id: string
  readonly scope: CapScope
  readonly period: CapPeriod
  /** Whole cents as text; null for no limit. */
  readonly amount: string | null
  /** Of a team by the month: what its members may use together, in cents; null where there is none. */
  readonly pooled?: string | null | undefined
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number
  readonly updatedAt: number
}

/** What a cent is in the amounts of budgets. */
export const nanoPerCent = 1e7

const budgetPeriods: Readonly<Record<CapPeriod, BudgetPeriod>> = {
  daily: 'day',
  weekly: 'week',
  monthly: 'month',
}

export const budgetPeriodOf = (period: CapPeriod): BudgetPeriod => budgetPeriods[period]

export const capPeriodOf = (period: BudgetPeriod): CapPeriod | undefined =>
  capPeriods.find((each) => budgetPeriods[each] === period)

/** Nano-dollars in whole cents. */
export const centsOf = (nano: number): string => String(Math.round(nano / nanoPerCent))

/** The same for ever: a cap that is removed and set again is the same one. */
export function capId(scope: CapScope, period: CapPeriod): string {
  const text = `${scope.type}\n${scopeId(scope)}\n${period}`
  return `spl_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`
}

export function scopeId(scope: CapScope): string {
  if (scope.type === 'user') return scope.user_id
  return scope.type === 'rbac_group' ? scope.rbac_group_id : ''
}
