import { type BudgetRule, createBudgets, memoryBudgetStore } from '@spillway/budgets'
import type { TenantUse } from '@spillway/ledger'
import { virtualClock } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { ledgerOpenings } from './openings.ts'

const rule = (more: Partial<BudgetRule> = {}): BudgetRule => ({
  ...{
    id: 'one',
    scope: { type: 'client', name: 'ann' },
    unit: 'usd',
    period: 'month',
    amount: 1e9,
    hard: true,
  },
  ...more,
})
const use = (tenant: string, more: Partial<TenantUse> = {}): TenantUse => ({
  ...{ tenant, isShadow: false, requests: 1, tokens: 10, costNano: '100', ...more },
})

function open(read: () => Promise<readonly TenantUse[]>) {
  const clock = virtualClock({ epoch: Date.UTC(2026, 10, 27, 12) })
  const engine = createBudgets({ store: memoryBudgetStore({ clock }) })
  const asked: unknown[] = []
  const lines: string[] = []
  const openings = ledgerOpenings({
    ...{ engine, clock, log: (line) => lines.push(line) },
    ledger: {
      tenantUse(range) {
        asked.push(range)
        return read() as Promise<TenantUse[]>
      },
    },
    membersOf: (team) => (team === 'search' ? ['ann', 'bob'] : []),
  })
  const used = async (...rules: readonly BudgetRule[]) =>
    (await engine.usage(rules)).map((status) => status.used)
  return { clock, engine, openings, asked, lines, used }
}

describe('budgets begin with what the ledger says', () => {
  it('of a client, of a team, and of all, mirrors among them; once for each list and period', async () => {
    const rows = [
      use('ann'),
      use('bob', { costNano: '20' }),
      use('', { requests: 5 }),
      use('ann', { isShadow: true, costNano: '7', requests: 0 }),
    ]
    const { openings, asked, used } = open(async () => rows)
    const rules = [
      rule(),
      rule({ unit: 'requests', scope: { type: 'team', name: 'search' } }),
      rule({ scope: { type: 'all' } }),
      rule({ scope: { type: 'client', name: 'nobody' }, unit: 'requests' }),
      rule({ period: 'minute' }),
    ]
    await openings.open(rules)
    expect(await used(...rules)).toEqual([100, 2, 227, 5, 0])
    expect(asked).toEqual([{ from: Date.UTC(2026, 10, 1), to: Date.UTC(2026, 10, 27, 12) }])
    expect(openings.open(rules)).toBeUndefined()
    expect(openings.open([rule({ id: 'another' })])).toBeUndefined()
    await openings.open([rule({ period: 'week' })])
    expect(asked).toHaveLength(2)
  })

  it('but wait no longer than two seconds for it, and ask again until it answers', async () => {
    let answer: () => Promise<readonly TenantUse[]> = () => new Promise(() => {})
    const { clock, openings, lines, used } = open(() => answer())
    const rules = [rule()]
    const waiting = openings.open(rules) as Promise<void>
    await clock.runUntil(waiting)
    expect([clock.now(), openings.isWaiting, openings.open(rules)]).toEqual([2_000, true, undefined])
    expect(lines).toEqual([expect.stringContaining('the ledger does not say what budgets have used before')])
    answer = async () => [use('ann')]
    openings.close()
    await clock.advance(60_000)
    expect(await used(...rules)).toEqual([0])
  })

  it('and do so when it is back', async () => {
    let isAway = true
    const { clock, openings, asked, lines, used } = open(async () => {
      if (isAway) throw new Error('away')
      return [use('ann')]
    })
    const rules = [rule()]
    await openings.open(rules)
    await clock.advance(15_000)
    expect(await used(...rules)).toEqual([0])
    isAway = false
    await clock.advance(15_000)
    expect([await used(...rules), openings.isWaiting, lines[1]]).toEqual([
      [100],
      false,
      'budgets know again what was used before',
    ])
    // What was used since is counted here already.
    expect(asked.at(-1)).toEqual(asked[0])
  })
})
