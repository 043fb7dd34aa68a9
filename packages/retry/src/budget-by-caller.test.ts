import { failureOf, requestOn, virtualClock } from '@spillway/testing'
import { expect, it } from 'vitest'
import { budgetByCaller } from './budget-by-caller.ts'
import { depositBudget, type RetryBudget } from './retry-budget.ts'

const clock = virtualClock()
const by = (tenant: string) => requestOn(clock, { context: { tenant } })
const paced = failureOf('rate_limited', { scope: 'key' })
const broken = failureOf('server')

function budgets(maxCallers?: number): RetryBudget {
  const each = (): RetryBudget => depositBudget({ ratio: 0.5, initial: 2 })
  const caller = ({ context }: ReturnType<typeof by>): string => context.tenant ?? ''
  return budgetByCaller({ caller, endpoint: each(), each, ...(maxCallers !== undefined && { maxCallers }) })
}

const taken = (budget: RetryBudget, failure: typeof paced, who: string, times = 5): number =>
  Array.from({ length: times }, () => budget.withdraw(failure, by(who))).filter(Boolean).length

it('retries what is said of one key at the cost of its caller alone', () => {
  const budget = budgets()
  expect(taken(budget, paced, 'a')).toBe(2)
  expect(taken(budget, paced, 'b')).toBe(2)
  expect(taken(budget, broken, 'a')).toBe(2)
  expect(taken(budget, broken, 'b')).toBe(0)
  expect(budget.balance).toBe(0)
})

it('pays for hedges with the endpoint’s tokens', () => {
  const budget = budgets()
  expect([budget.withdraw(undefined, by('a')), budget.withdraw(undefined, by('b'))]).toEqual([true, true])
  expect(taken(budget, broken, 'a')).toBe(0)
  expect(taken(budget, paced, 'a')).toBe(2)
})

it('gets deposits of each caller for its own, and of all for the endpoint', () => {
  const budget = budgets()
  for (const who of ['a', 'b']) taken(budget, paced, who)
  taken(budget, broken, 'a')
  for (let call = 0; call < 4; call++) budget.onFirstAttempt(by('a'))
  expect(taken(budget, paced, 'a')).toBe(2)
  expect(taken(budget, paced, 'b')).toBe(0)
  expect(taken(budget, broken, 'b')).toBe(2)
})

it('tells the budget that paid for it of a success', () => {
  const heard: string[] = []
  const spy = (name: string): RetryBudget => ({
    ...depositBudget({ ratio: 0 }),
    balance: 0,
    onSuccess: (failure) => void heard.push(`${name} ${failure?.kind}`),
  })
  const budget = budgetByCaller({ caller: () => 'a', endpoint: spy('endpoint'), each: () => spy('caller') })
  budget.withdraw(paced, by('a'))
  budget.onSuccess(paced, by('a'))
  budget.onSuccess(broken, by('a'))
  budget.onSuccess(undefined, by('a'))
  expect(heard).toEqual(['caller rate_limited', 'endpoint server', 'endpoint undefined'])
})

it('forgets the callers that were asked least lately', () => {
  const budget = budgets(2)
  for (const who of ['a', 'b', 'a', 'c']) taken(budget, paced, who)
  expect(taken(budget, paced, 'a')).toBe(0)
  expect(taken(budget, paced, 'b')).toBe(2)
})

it('refuses to remember nobody', () => {
  expect(() => budgets(0)).toThrow(RangeError)
})
