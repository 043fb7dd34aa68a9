import { type CapPeriod, type CapScope, capPeriods } from './caps.ts'
import type { CapChange } from './stored-caps.ts'

type Body = Readonly<Record<string, unknown>>

/** Dollars in the amounts of budgets end at nine million. */
const mostCents = 900_000_000

const names: Readonly<Record<string, string>> = { user: 'user_id', rbac_group: 'rbac_group_id' }

/** What the body of `POST /v1/organizations/spend_limits` asks for, or what is wrong with it, beginning with its field. */
export function readCapChange(body: Body): CapChange | string {
  const scope = scopeOf(body.scope)
  if (typeof scope === 'string') return scope
  const { period = 'monthly', currency = 'USD', amount, pooled_budget: pooledBudget } = body
  if (!capPeriods.includes(period as CapPeriod)) return `period: must be one of ${capPeriods.join(', ')}`
  if (currency !== 'USD') return 'currency: must be USD'
  const problem = amountProblem('amount', amount)
  if (problem !== undefined) return problem
  const pooled = pooledOf(pooledBudget)
  if (typeof pooled === 'string') return pooled
  if (pooled.amount !== undefined && scope.type !== 'rbac_group') return 'pooled_budget: only a group has one'
  if (pooled.amount !== undefined && period !== 'monthly') return 'pooled_budget: must be monthly'
  if (amount === undefined && pooled.amount === undefined)
    return 'amount: Required (cents as a string such as "50000", or null for no limit)'
  return {
    ...{ scope, period: period as CapPeriod },
    ...(amount !== undefined && { amount: amount as string | null }),
    ...(pooled.amount !== undefined && { pooled: pooled.amount }),
  }
}

function scopeOf(scope: unknown): CapScope | string {
  if (!isBody(scope)) return 'scope: Required, such as { "type": "user", "user_id": "alice" }'
  const { type } = scope
  if (type === 'organization') return { type }
  const name = typeof type === 'string' && Object.hasOwn(names, type) ? names[type] : undefined
  if (name === undefined) return 'scope.type: must be one of organization, rbac_group, user'
  const id = scope[name]
  if (typeof id !== 'string' || id === '' || id.length > 256) return `scope.${name}: Required`
  return { type, [name]: id } as CapScope
}

function pooledOf(pooled: unknown): { readonly amount: string | null | undefined } | string {
  if (pooled === undefined || pooled === null) return { amount: undefined }
  if (!isBody(pooled)) return 'pooled_budget: expected an object'
  const { amount, paused, currency = 'USD' } = pooled
  if (currency !== 'USD') return 'pooled_budget.currency: must be USD'
  if (paused !== undefined && paused !== null && typeof paused !== 'boolean')
    return 'pooled_budget.paused: expected true or false'
  const problem = amountProblem('pooled_budget.amount', amount)
  if (problem !== undefined) return problem
  // One that is paused is not enforced, and not kept here.
  return { amount: paused === true ? null : (amount as string | null | undefined) }
}

function amountProblem(field: string, amount: unknown): string | undefined {
  if (amount === undefined || amount === null) return undefined
  if (typeof amount !== 'string' || !/^\d{1,18}$/.test(amount))
    return `${field}: must be a whole-number decimal string of cents`
  return Number(amount) > mostCents ? `${field}: must be at most ${mostCents}` : undefined
}

const isBody = (value: unknown): value is Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
