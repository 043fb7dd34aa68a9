import { type BudgetRule, type Budgets, periodAt } from '@spillway/budgets'
import type { LedgerStore } from '@spillway/ledger'
import type { WrittenLimit } from '../budgets/limit-text.ts'
import type { ClientDocument } from '../clients/client-document.ts'
import type { ClientStore } from '../clients/client-store.ts'
import { budgetPeriodOf, type Cap, type CapPeriod } from './caps.ts'
import { configuredCap, effectiveCap, effectiveRow, type Principal, principalsOf } from './effective-caps.ts'
import { type EffectiveQuery, pageAfter } from './list-query.ts'
import { shownCap } from './shown-cap.ts'
import { type CapChange, capsOf, withCap, withoutCap } from './stored-caps.ts'

/** The caps of an installation, for administrators. */
export interface SpendLimits {
  list(): Promise<readonly Cap[]>
  /** @returns undefined where there is no client of that name */
  set(change: CapChange): Promise<Changed | undefined>
  /** @returns undefined where there is none */
  remove(id: string): Promise<Changed | undefined>
  /** Caps as they are shown. */
  shown(caps: readonly Cap[]): Promise<readonly object[]>
  /** What holds for each client, and what it has spent. */
  effective(
    query: EffectiveQuery,
  ): Promise<{ readonly data: readonly object[]; readonly next: string | null }>
}

/** A cap before and after. */
export interface Changed {
  readonly before: Cap | undefined
  readonly after: Cap | undefined
}

export interface SpendLimitsOptions {
  readonly store: Pick<ClientStore, 'load' | 'update'>
  /** Takes what has changed up at once. */
  readonly refresh: () => Promise<void>
  readonly budgets: Pick<Budgets, 'usage'>
  /** What the configuration has for each client. */
  readonly configured?: (() => readonly WrittenLimit[] | undefined) | undefined
  /** Whether people and services present tokens of an identity provider. */
  readonly hasPeople: () => boolean
  /** What has been spent of what no budget counts. */
  readonly ledger: Pick<LedgerStore, 'largestTotals'>
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number
}

/** Names that have spent most, of which the ledger is asked. */
const mostSpenders = 1_000

export function openSpendLimits(options: SpendLimitsOptions): SpendLimits {
  const { store, refresh, budgets, configured, hasPeople, ledger, now } = options
  const find = (caps: readonly Cap[], id: string): Cap | undefined => caps.find((cap) => cap.id === id)

  /** Whether it can be the name of anyone: of people nothing is kept until something is set. */
  const isSomeone = ({ clients }: ClientDocument, name: string): boolean =>
    Object.hasOwn(clients, name) ? clients[name]?.revokedAt === undefined : hasPeople()

  /** Nano-dollars by the names of clients, in the current period. */
  const spentBy = async (period: CapPeriod): Promise<ReadonlyMap<string, number>> => {
    const { start } = periodAt(budgetPeriodOf(period), now())
    const { rows } = await ledger.largestTotals('tenant', { from: start, to: now() + 1 }, mostSpenders)
    return new Map(rows.map(({ key, costNano }) => [key, Number(costNano)]))
  }

  /** As budgets count it. */
  const counted = async (
    scopes: readonly BudgetRule['scope'][],
    period: CapPeriod,
  ): Promise<readonly number[]> => {
    const rules = scopes.map(
      (scope): BudgetRule => ({
        ...{ id: 'spend', scope, unit: 'usd', period: budgetPeriodOf(period), amount: 0, hard: false },
      }),
    )
    return (await budgets.usage(rules)).map(({ used }) => used)
  }

  return {
    list: async () => capsOf(await store.load()),
    async set(change) {
      let changed: Changed | undefined
      await store.update((document) => {
        const { scope } = change
        if (scope.type === 'user' && !isSomeone(document, scope.user_id)) return document
        const next = withCap(document, change, now())
        changed = { before: find(capsOf(document), next.cap.id), after: next.cap }
        return next.document
      })
      await refresh()
      return changed
    },
    async remove(id) {
      let changed: Changed | undefined
      await store.update((document) => {
        const before = find(capsOf(document), id)
        if (before === undefined) return document
        changed = { before, after: undefined }
        return withoutCap(document, before)
      })
      await refresh()
      return changed
    },
    async shown(caps) {
      const teams = caps.flatMap(({ scope, pooled }) =>
        scope.type === 'rbac_group' && typeof pooled === 'string' ? [scope.rbac_group_id] : [],
      )
      const spent = await counted(
        teams.map((name) => ({ type: 'team', name })),
        'monthly',
      )
      const byTeam = new Map(teams.map((name, index) => [name, spent[index] ?? 0]))
      return caps.map((cap) => shownCap(cap, (team) => byTeam.get(team) ?? 0))
    },
    async effective({ limit, periods, names, text, bySpend, after }) {
      const document = await store.load()
      const caps = new Map(capsOf(document).map((cap) => [cap.id, cap]))
      const spent = new Map(
        await Promise.all(periods.map(async (period) => [period, await spentBy(period)] as const)),
      )
      const known = new Map(principalsOf(document).map((each) => [each.name, each]))
      for (const name of [...spent.values()].flatMap((each) => [...each.keys()]))
        if (name !== '' && !known.has(name)) known.set(name, { name, team: undefined })
      const asked =
        names?.map((name): Principal => known.get(name) ?? { name, team: undefined }) ??
        ordered([...known.values()], text, bySpend ? spent.get(periods[0] as CapPeriod) : undefined)
      const from = after === undefined ? 0 : asked.findIndex(({ name }) => name === after) + 1
      const page = names === undefined ? asked.slice(from, from + limit) : asked
      const rows = await Promise.all(
        periods.map(async (period) => {
          const live = await counted(
            page.map(({ name }) => ({ type: 'client', name })),
            period,
          )
          return page.map((principal, index) => {
            const cap = effectiveCap(caps, principal, period) ?? configuredCap(configured?.(), period)
            // What no budget counts is in the books alone.
            const nano = Math.max(live[index] ?? 0, spent.get(period)?.get(principal.name) ?? 0)
            return effectiveRow(principal, period, cap, nano)
          })
        }),
      )
      const isLast = names !== undefined || from + limit >= asked.length
      return {
        data: page.flatMap((_, index) => rows.map((ofPeriod) => ofPeriod[index] as object)),
        next: isLast ? null : pageAfter(page.at(-1)?.name ?? ''),
      }
    },
  }
}

function ordered(
  all: readonly Principal[],
  text: string | undefined,
  spent: ReadonlyMap<string, number> | undefined,
): readonly Principal[] {
  const found = all.filter(
    ({ name }) => text === undefined || name.toLowerCase().includes(text.toLowerCase()),
  )
  return found.toSorted(
    (a, b) =>
      (spent === undefined ? 0 : (spent.get(b.name) ?? 0) - (spent.get(a.name) ?? 0)) ||
      (a.name < b.name ? -1 : 1),
  )
}
