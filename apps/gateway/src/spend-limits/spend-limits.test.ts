import { createBudgets } from '@spillway/budgets'
import { describe, expect, it } from 'vitest'
import { type ClientDocument, decodeClients, encodeClients } from '../clients/client-document.ts'
import { readCapChange } from './cap-request.ts'
import { readEffectiveQuery } from './list-query.ts'
import { openSpendLimits } from './spend-limits.ts'

const now = Date.UTC(2026, 10, 27, 20)
const client = { permissions: ['chat'], createdAt: 1, keys: [] }

/** Caps of two clients, one of which has spent $12.345 this month and is of a team. */
function opened({ hasPeople = false } = {}) {
  let document: ClientDocument = {
    ...{ format: 1, clients: { bob: client, alice: { ...client, team: 'search' } } },
    teams: { search: { limits: [{ unit: 'requests', period: 'minute', amount: 5, hard: true }] } },
  }
  const totals = [{ key: 'alice', costNano: '12345000000' }]
  const limits = openSpendLimits({
    store: {
      load: async () => document,
      update: async (change) => {
        // As it would be kept.
        document = decodeClients(encodeClients(change(document)), 'test')
        return document
      },
    },
    refresh: async () => {},
    budgets: createBudgets(),
    ledger: { largestTotals: async () => ({ rows: totals as never }) },
    ...{ now: () => now, hasPeople: () => hasPeople },
  })
  const set = async (body: object) => {
    const change = readCapChange({ ...body })
    if (typeof change === 'string') throw new Error(change)
    return (await limits.set(change))?.after
  }
  const effective = async (query = '') => {
    const asked = readEffectiveQuery(new URLSearchParams(query))
    if (typeof asked === 'string') throw new Error(asked)
    return limits.effective(asked)
  }
  return { limits, set, effective, document: () => document }
}

const user = (id: string) => ({ type: 'user', user_id: id })
const group = { type: 'rbac_group', rbac_group_id: 'search' }

describe('caps', () => {
  it('are limits of clients, of each member of a team and of each client, and keep their id and their creation', async () => {
    const { set, limits, document } = opened()
    const alice = await set({ scope: user('alice'), amount: '5000' })
    await set({ scope: group, amount: '2000', period: 'daily' })
    await set({ scope: { type: 'organization' }, amount: '100', period: 'weekly' })
    expect(document().clients.alice?.limits).toMatchObject([
      { unit: 'usd', period: 'month', amount: 50e9, hard: true },
    ])
    expect(document().teams?.search).toMatchObject({
      limits: [{ unit: 'requests' }],
      eachMember: [{ unit: 'usd', period: 'day', amount: 20e9 }],
    })
    expect(document().eachClient).toMatchObject([{ unit: 'usd', period: 'week', amount: 1e9 }])
    expect(alice?.id).toMatch(/^spl_[0-9a-f]{32}$/)
    expect(await set({ scope: user('alice'), amount: null })).toMatchObject({ id: alice?.id, amount: null })
    expect((await limits.list()).map(({ amount }) => amount).toSorted()).toEqual(['100', '2000', null])
  })

  it('of a group may have a budget for all of its members together', async () => {
    const { set, limits, document } = opened()
    const cap = await set({ scope: group, pooled_budget: { amount: '90000' } })
    expect(document().teams?.search?.limits).toMatchObject([{ unit: 'requests' }, { amount: 900e9 }])
    expect(await limits.shown([cap!])).toMatchObject([
      { amount: null, pooled_budget: { amount: '90000', period_to_date_spend: '0' } },
    ])
    await limits.remove(cap!.id)
    expect(document().teams?.search?.limits).toMatchObject([{ unit: 'requests' }])
  })

  it('of a client that is not there are not set, and those that are gone are not found', async () => {
    const { set, limits } = opened()
    expect(await set({ scope: user('constructor'), amount: '1' })).toBeUndefined()
    expect(await limits.remove(`spl_${'0'.repeat(32)}`)).toBeUndefined()
  })

  it('of people who sign in elsewhere are kept by their names', async () => {
    const { set, effective, document } = opened({ hasPeople: true })
    await set({ scope: user('carol@example.com'), amount: '700' })
    expect(document().people).toMatchObject({
      'carol@example.com': { limits: [{ unit: 'usd', amount: 7e9 }] },
    })
    expect((await effective('period[]=monthly&q=carol')).data).toMatchObject([{ amount: '700' }])
  })

  it.each([
    [{}, 'scope: Required'],
    [{ scope: { type: 'seat_tier' } }, 'scope.type: must be one of'],
    [{ scope: { type: 'user' } }, 'scope.user_id: Required'],
    [{ scope: { type: 'organization' } }, 'amount: Required'],
    [{ scope: { type: 'organization' }, amount: 5 }, 'amount: must be a whole-number decimal string'],
    [{ scope: { type: 'organization' }, amount: '0.5' }, 'amount: must be a whole-number decimal string'],
    [{ scope: { type: 'organization' }, amount: '999999999999' }, 'amount: must be at most'],
    [{ scope: { type: 'organization' }, amount: '5', period: 'hourly' }, 'period: must be one of daily'],
    [{ scope: { type: 'organization' }, amount: '5', currency: 'EUR' }, 'currency: must be USD'],
    [{ scope: user('a'), pooled_budget: { amount: '5' } }, 'pooled_budget: only a group has one'],
    [{ scope: group, pooled_budget: { amount: '5' }, period: 'daily' }, 'pooled_budget: must be monthly'],
  ])('%j is refused with its field', (body, problem) => {
    expect(readCapChange(body)).toContain(problem)
  })
})

describe('what holds for each client', () => {
  it('is its own cap, else that of its group, else that of the organization, beside what it has spent', async () => {
    const { set, effective } = opened()
    await set({ scope: { type: 'organization' }, amount: '1000' })
    await set({ scope: group, amount: '2000' })
    const { data, next } = await effective('period[]=monthly')
    expect(next).toBeNull()
    expect(data).toMatchObject([
      {
        scope: user('alice'),
        groups: ['search'],
        actor: { type: 'user_actor', user_id: 'alice', deleted: false },
        ...{ amount: '2000', currency: 'USD', period: 'monthly', source: group },
        period_to_date_spend: '1234.5',
      },
      { scope: user('bob'), amount: '1000', source: { type: 'organization' }, period_to_date_spend: '0' },
    ])
    await set({ scope: user('alice'), amount: null })
    expect((await effective('period=monthly&q=LIC')).data).toMatchObject([
      { amount: null, source: user('alice') },
    ])
  })

  it('is listed page by page, all periods of a client on one page, or by what was spent', async () => {
    const { effective } = opened()
    const first = await effective('limit=1')
    expect(first.data).toMatchObject([
      { scope: user('alice'), period: 'daily' },
      { scope: user('alice'), period: 'weekly' },
      { scope: user('alice'), period: 'monthly' },
    ])
    const second = await effective(`limit=1&page=${first.next}`)
    expect([second.data.length, second.data[0], second.next]).toMatchObject([3, { scope: user('bob') }, null])
    const asked = await effective('user_ids[]=bob&user_ids[]=carol&period[]=daily')
    expect(asked.data).toMatchObject([{ scope: user('bob') }, { scope: user('carol'), amount: null }])
    expect((await effective('period[]=daily&sort=spend_desc')).data[0]).toMatchObject({
      scope: user('alice'),
    })
  })

  it.each([
    ['limit=0', 'limit: must be between'],
    ['period[]=hourly', 'period[]: must be one of'],
    ['sort=name', 'sort: must be spend_desc'],
    ['sort=spend_desc', 'requires exactly one period[]'],
    ['page=x', 'page: invalid page token'],
    [`q=${'a'.repeat(257)}`, 'q: too long'],
  ])('%s is refused', (query, problem) => {
    expect(readEffectiveQuery(new URLSearchParams(query))).toContain(problem)
  })
})
