import type { ClientDocument, StoredLimit } from '../clients/client-document.ts'
import {
  budgetPeriodOf,
  type Cap,
  type CapPeriod,
  type CapScope,
  capId,
  capPeriodOf,
  capPeriods,
  centsOf,
  nanoPerCent,
} from './caps.ts'

/** What is asked of a cap; undefined leaves it as it is. */
export interface CapChange {
  readonly scope: CapScope
  readonly period: CapPeriod
  /** Cents; null for no limit. */
  readonly amount?: string | null | undefined
  readonly pooled?: string | null | undefined
}

/** The caps among the limits of a document, those of clients that are revoked left out, in the order of their creation. */
export function capsOf({ eachClient, teams = {}, clients, people = {} }: ClientDocument): readonly Cap[] {
  const all = [
    ...capsIn({ type: 'organization' }, eachClient),
    ...Object.entries(teams).flatMap(([name, { eachMember, limits }]) =>
      capsIn({ type: 'rbac_group', rbac_group_id: name }, eachMember, limits),
    ),
    ...Object.entries(people).flatMap(([name, { limits }]) =>
      capsIn({ type: 'user', user_id: name }, limits),
    ),
    ...Object.entries(clients).flatMap(([name, { limits, revokedAt }]) =>
      revokedAt === undefined ? capsIn({ type: 'user', user_id: name }, limits) : [],
    ),
  ]
  return all.toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
}

function capsIn(
  scope: CapScope,
  own: readonly StoredLimit[] = [],
  together: readonly StoredLimit[] = [],
): readonly Cap[] {
  return capPeriods.flatMap((period): Cap[] => {
    const limit = own.find((each) => isCap(each, period))
    const isTeam = scope.type === 'rbac_group' && period === 'monthly'
    const pool = isTeam ? together.find((each) => isCap(each, period)) : undefined
    const known = limit ?? pool
    if (known === undefined) return []
    const { createdAt = 0, updatedAt = createdAt } = known
    return [
      {
        ...{ id: capId(scope, period), scope, period, createdAt, updatedAt },
        amount: limit === undefined ? null : amountOf(limit),
        ...(isTeam && { pooled: pool === undefined ? null : amountOf(pool) }),
      },
    ]
  })
}

const amountOf = ({ amount }: StoredLimit): string | null => (amount === null ? null : centsOf(amount))

const isCap = ({ unit, period, hard }: StoredLimit, of: CapPeriod): boolean =>
  unit === 'usd' && hard && capPeriodOf(period) === of

/** With a cap as it is asked for, and the cap. */
export function withCap(
  document: ClientDocument,
  change: CapChange,
  now: number,
): { readonly document: ClientDocument; readonly cap: Cap } {
  const { scope, period, amount, pooled } = change
  let next = document
  if (amount !== undefined) next = changed(next, scope, 'own', (all) => replaced(all, period, amount, now))
  if (pooled !== undefined)
    next = changed(next, scope, 'together', (all) =>
      pooled === null ? without(all, period) : replaced(all, period, pooled, now),
    )
  const id = capId(scope, period)
  // What was removed is told as it is: with no limit.
  const cap = capsOf(next).find((each) => each.id === id) ?? {
    ...{ id, scope, period, amount: null, pooled: null, createdAt: now, updatedAt: now },
  }
  return { document: next, cap }
}

/** Without a cap, whose clients have what they inherit. */
export function withoutCap(document: ClientDocument, { scope, period }: Cap): ClientDocument {
  const next = changed(document, scope, 'own', (all) => without(all, period))
  const hasPool = scope.type === 'rbac_group' && period === 'monthly'
  return hasPool ? changed(next, scope, 'together', (all) => without(all, period)) : next
}

type Limits = readonly StoredLimit[]

const without = (all: Limits, period: CapPeriod): Limits => all.filter((each) => !isCap(each, period))

function replaced(all: Limits, period: CapPeriod, cents: string | null, now: number): Limits {
  const before = all.find((each) => isCap(each, period))
  const limit: StoredLimit = {
    ...before,
    ...{ unit: 'usd', period: budgetPeriodOf(period), hard: true },
    amount: cents === null ? null : Number(cents) * nanoPerCent,
    ...{ createdAt: before?.createdAt ?? now, updatedAt: now },
  }
  return [...without(all, period), limit]
}

/** With other limits of a scope: its own, or of a team those of all members together. */
function changed(
  document: ClientDocument,
  scope: CapScope,
  which: 'own' | 'together',
  change: (limits: Limits) => Limits,
): ClientDocument {
  if (scope.type === 'organization') return { ...document, eachClient: change(document.eachClient ?? []) }
  if (scope.type === 'rbac_group') {
    const { teams = {} } = document
    const name = scope.rbac_group_id
    const team = Object.hasOwn(teams, name) ? (teams[name] ?? {}) : {}
    const field = which === 'own' ? 'eachMember' : 'limits'
    return { ...document, teams: { ...teams, [name]: { ...team, [field]: change(team[field] ?? []) } } }
  }
  const { clients, people = {} } = document
  const { user_id: name } = scope
  const client = Object.hasOwn(clients, name) ? clients[name] : undefined
  if (client !== undefined)
    return {
      ...document,
      clients: { ...clients, [name]: { ...client, limits: change(client.limits ?? []) } },
    }
  const { limits = [] } = Object.hasOwn(people, name) ? (people[name] ?? {}) : {}
  return { ...document, people: { ...people, [name]: { limits: change(limits) } } }
}
