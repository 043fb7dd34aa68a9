import type { Cap } from './caps.ts'

const iso = (at: number): string => new Date(at).toISOString()

/** Nano-dollars in cents, with three decimals at most: `41280.125`. */
export const spentCents = (nano: number): string => (nano / 1e7).toFixed(3).replace(/\.?0+$/, '')

/** A cap as the Admin API shows it. */
export function shownCap(
  { id, scope, period, amount, pooled, createdAt, updatedAt }: Cap,
  poolSpent: (team: string) => number,
): object {
  return {
    ...{ type: 'spend_limit', id, created_at: iso(createdAt), updated_at: iso(updatedAt) },
    ...{ scope, amount, currency: 'USD', period, is_enabled: true },
    ...(pooled !== undefined &&
      scope.type === 'rbac_group' && {
        pooled_budget:
          pooled === null
            ? null
            : {
                ...{ amount: pooled, paused: false, currency: 'USD' },
                period_to_date_spend: spentCents(poolSpent(scope.rbac_group_id)),
              },
      }),
  }
}
