import { type BudgetRule, createBudgets, isBudgetRefusal, memoryBudgetStore } from '@spillway/budgets'
import { virtualClock } from '@spillway/testing'
import { expect, it } from 'vitest'
import { openBudgetWatch } from './budget-watch.ts'

const rule = (more: Partial<BudgetRule> = {}): BudgetRule => ({
  ...{
    id: 'r',
    scope: { type: 'client', name: 'alice' },
    unit: 'usd',
    period: 'day',
    amount: 10e9,
    hard: true,
  },
  ...more,
})

/** Budgets that are watched, and a way to use them up. */
function watched(all: readonly BudgetRule[] = []) {
  const clock = virtualClock()
  const lines: string[] = []
  const notes: [string, object][] = []
  const watch = openBudgetWatch({
    ...{ engine: () => engine, all: () => all, log: (line) => lines.push(line), now: () => clock.epoch() },
    note: (action, details) => notes.push([action, details]),
  })
  const engine = createBudgets({ store: memoryBudgetStore({ clock }), onEvent: watch.onEvent })
  return {
    ...{ clock, lines, notes, watch },
    async use(rules: readonly BudgetRule[], usd: number) {
      const amounts = { requests: 1, tokens: 0, usd: usd * 1e9 }
      const decision = await engine.reserve(rules, { most: amounts })
      if (!isBudgetRefusal(decision)) await decision.settle(amounts)
    },
    /** How many budgets are at a level, and the series of those, as the second scrape has them. */
    async read() {
      const ratios = () => [...(watch.values['spillway.budget.used_ratio']?.read() ?? [])]
      ratios()
      await Promise.resolve()
      const crossed = [...(watch.values['spillway.budget.crossed']?.read() ?? [])]
      return {
        ratios: ratios(),
        crossed: crossed.flatMap(({ value, attributes }) =>
          value > 0
            ? [`${value} ${attributes?.['spillway.budget.scope']} ${attributes?.['spillway.budget.level']}`]
            : [],
        ),
      }
    },
  }
}

it('a budget is told when it passes its warning and when it is spent, once, until its period ends', async () => {
  const { use, read, lines, notes, clock } = watched()
  await use([rule()], 8.5)
  await use([rule()], 0.5)
  const day = new Date(clock.epoch() + 86_400_000).toISOString().slice(0, 10)
  expect(lines).toEqual([`budget: client alice has used $8.50 of $10 a day (85 %); resets ${day} 00:00 UTC`])
  expect((await read()).crossed).toEqual(['1 client warned'])
  await use([rule()], 1)
  await use([rule()], 1)
  expect(lines.slice(1)).toEqual([
    `budget: client alice has used $10 of $10 a day (100 %): further calls are refused; resets ${day} 00:00 UTC`,
  ])
  expect(notes).toMatchObject([
    ['budget.warned', { subject: 'client alice', limit: 'usd=10/day' }],
    ['budget.spent', { subject: 'client alice', limit: 'usd=10/day' }],
  ])
  expect((await read()).crossed).toEqual(['1 client spent'])
  await clock.advance(86_400_000)
  expect((await read()).crossed).toEqual([])
})

it('limits by the minute are told to their callers alone', async () => {
  const { use, read, lines } = watched()
  await use([rule({ unit: 'requests', period: 'minute', amount: 1 })], 0)
  expect([lines, (await read()).crossed]).toEqual([[], []])
})

it('metrics have the share of all callers together, and of those that have passed their warning', async () => {
  const all = [rule({ scope: { type: 'all' }, amount: 100e9 })]
  const { use, read } = watched(all)
  await use([rule(), ...all], 9)
  await use([rule({ scope: { type: 'client', name: 'bob' } }), ...all], 1)
  const { ratios, crossed } = await read()
  expect(ratios).toMatchObject([
    { value: 0.1, attributes: { 'spillway.budget.scope': 'all' } },
    { value: 0.9, attributes: { 'spillway.budget.name': 'alice', 'spillway.budget.unit': 'usd' } },
  ])
  expect(crossed).toEqual(['1 client warned'])
})
