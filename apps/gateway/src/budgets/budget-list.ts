import { type BudgetRule, type Budgets, levelOf, periodAt, utilization } from '@spillway/budgets'
import type { Budgets as BudgetsAnswer } from '@spillway/gateway-api'
import type { LedgerStore } from '@spillway/ledger'
import type { TenantNames } from '../api/tenant-names.ts'
import type { ClientDocument } from '../clients/client-document.ts'
import type { BudgetsConfig } from '../config/config.ts'
import { clientRules, keyless } from './call-rules.ts'
import { rulesOf, toRules } from './stored-rules.ts'

export interface BudgetListSources {
  readonly config: () => BudgetsConfig | undefined
  /** The clients; undefined where the gateway does not ask for keys. */
  readonly clients: (() => Promise<ClientDocument>) | undefined
  readonly engine: Pick<Budgets, 'usage'>
  readonly store: Pick<LedgerStore, 'largestTotals'>
  readonly names: Pick<TenantNames, 'of'>
  /** In milliseconds since the Unix epoch. */
  readonly now: () => number
}

/** Budgets that are looked up for one answer. */
const mostRules = 2_000

/** Callers without a key of the gateway that are looked up: those that cost most this month. */
const mostTenants = 200

/** All budgets as they are now, those of which most is used first. */
export async function budgetList(sources: BudgetListSources, limit: number): Promise<BudgetsAnswer> {
  const { config, clients, engine, store, names, now } = sources
  const { all, eachClient } = config() ?? {}
  const document = await clients?.()
  const teamOf = new Map<string, string | undefined>()
  const rules: BudgetRule[] = [...toRules({ type: 'all' }, all)]
  if (document !== undefined) {
    for (const [name, { limits }] of Object.entries(document.teams ?? {}))
      rules.push(...toRules({ type: 'team', name }, limits))
    const budgetsOf = rulesOf(document)
    for (const [name, client] of Object.entries(document.clients)) {
      if (client.revokedAt !== undefined) continue
      teamOf.set(name, client.team)
      const { budgets = [], exempt } = budgetsOf(name, client)
      // Those of its team are there already.
      const own = budgets.filter(({ scope }) => scope.type === 'client')
      rules.push(...clientRules(name, own, eachClient, exempt))
    }
  } else if (eachClient !== undefined && eachClient.length > 0) {
    const range = { from: periodAt('month', now()).start, to: now() + 1 }
    const { rows } = await store.largestTotals('tenant', range, mostTenants)
    for (const { key } of rows) rules.push(...clientRules(key || keyless, [], eachClient))
  }
  const read = rules.slice(0, mostRules)
  const statuses = await engine.usage(read)
  const found = statuses
    .toSorted((a, b) => utilization(b) - utilization(a) || b.resetsAt - a.resetsAt)
    .slice(0, limit)
  return {
    at: now(),
    budgets: found.map((status) => {
      const { rule, used, reserved, startsAt, resetsAt } = status
      const name = rule.scope.type === 'all' ? null : rule.scope.name
      const isClient = rule.scope.type === 'client'
      return {
        ...{ scope: rule.scope.type, name, tenantName: isClient ? names.of(name) : null },
        team: (isClient ? teamOf.get(name ?? '') : undefined) ?? null,
        ...{ unit: rule.unit, period: rule.period, hard: rule.hard },
        ...{ amount: String(rule.amount), used: String(used), reserved: String(reserved) },
        ...{ share: utilization(status), level: levelOf(status), startsAt, resetsAt },
      }
    }),
    more: rules.length - found.length,
  }
}
