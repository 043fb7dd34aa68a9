import { createBudgets } from '@spillway/budgets'
import { expect, it } from 'vitest'
import { tenantNames } from '../api/tenant-names.ts'
import type { ClientDocument, StoredClient } from '../clients/client-document.ts'
import type { BudgetsConfig } from '../config/config.ts'
import { type BudgetListSources, budgetList } from './budget-list.ts'

const dollar = 1_000_000_000
const now = Date.UTC(2026, 10, 27, 12)
const usd = (dollars: number) =>
  ({ unit: 'usd', period: 'month', amount: dollars * dollar, hard: true }) as const

const client = (more: Partial<StoredClient>): StoredClient => ({
  ...{ permissions: [], createdAt: 0, keys: [] },
  ...more,
})

const document: ClientDocument = {
  format: 1,
  teams: { search: { limits: [usd(100)] } },
  clients: {
    web: client({ team: 'search', limits: [usd(10)] }),
    nightly: client({}),
    gone: client({ limits: [usd(1)], revokedAt: 1 }),
  },
}

function sources(config: BudgetsConfig, more: Partial<Omit<BudgetListSources, 'engine'>> = {}) {
  const engine = createBudgets()
  const names = tenantNames(() => ({ tenants: { names: { 'key-a03f61bb20c4Xk2_q9ZtVw': 'Search team' } } }))
  const store = { largestTotals: async () => ({ rows: [] }) } as unknown as BudgetListSources['store']
  const clients = async (): Promise<ClientDocument> => document
  return { ...{ config: () => config, engine, names, store, clients, now: () => now }, ...more }
}

it('lists budgets of everyone, teams and clients, those of which most is used first, without revoked clients', async () => {
  const all = sources({ all: [usd(1000)], eachClient: [usd(50)] })
  const charge = { scope: { type: 'client', name: 'web' }, id: 'x', ...usd(10) } as const
  await all.engine.charge([charge], { requests: 1, tokens: 0, usd: 9 * dollar })
  const { budgets, more, at } = await budgetList(all, 100)
  expect([more, at]).toEqual([0, now])
  expect(budgets.map(({ scope, name, amount }) => [scope, name, Number(amount) / dollar])).toEqual([
    ['client', 'web', 10],
    ['all', null, 1000],
    ['team', 'search', 100],
    // What holds for each, where it has none of its own.
    ['client', 'nightly', 50],
  ])
  expect(budgets[0]).toMatchObject({
    ...{ team: 'search', used: String(9 * dollar), reserved: '0', share: 0.9, level: 'warned', hard: true },
    ...{ unit: 'usd', period: 'month' },
  })
  const least = await budgetList(all, 1)
  expect([least.budgets.length, least.more]).toEqual([1, 3])
})

it('knows callers without a key of the gateway from the ledger, by their names', async () => {
  const rows = [{ key: 'key-a03f61bb20c4Xk2_q9ZtVw' }, { key: '' }]
  const asked: unknown[] = []
  const store = {
    async largestTotals(...question: unknown[]) {
      asked.push(question)
      return { rows }
    },
  } as unknown as BudgetListSources['store']
  const { budgets } = await budgetList(sources({ eachClient: [usd(50)] }, { clients: undefined, store }), 100)
  expect(budgets.map(({ name, tenantName }) => [name, tenantName])).toEqual([
    ['key-a03f61bb20c4Xk2_q9ZtVw', 'Search team'],
    ['nobody', null],
  ])
  expect(asked).toEqual([['tenant', { from: Date.UTC(2026, 10), to: now + 1 }, 200]])
})

it('asks the ledger nothing where nothing holds for each caller', async () => {
  const store = {
    largestTotals: () => Promise.reject(new Error('not asked')),
  } as unknown as BudgetListSources['store']
  const none = { clients: undefined, store }
  expect((await budgetList(sources({}, none), 100)).budgets).toEqual([])
  expect((await budgetList(sources({ all: [usd(5)] }, none), 100)).budgets).toHaveLength(1)
})
