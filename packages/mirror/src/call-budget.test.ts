import fc from 'fast-check'
import { expect, it } from 'vitest'
import { CallBudget } from './call-budget.ts'

it('lets so many calls begin, and the next when the first is a minute old', () => {
  const budget = new CallBudget(2)
  expect([0, 10, 20, 59_999].map((now) => budget.take(now))).toEqual([true, true, false, false])
  expect([60_000, 60_009, 60_010].map((now) => budget.take(now))).toEqual([true, false, true])
})

it('may have no limit, or let nothing through', () => {
  expect(new CallBudget(Infinity).take(0)).toBe(true)
  expect(new CallBudget(0).take(0)).toBe(false)
})

it('never lets more begin in any 60 s', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 100 }),
      (limit, gaps) => {
        const budget = new CallBudget(limit)
        const begun: number[] = []
        let now = 0
        for (const gap of gaps) {
          now += gap
          const inWindow = begun.filter((at) => at > now - 60_000).length
          expect(budget.take(now)).toBe(inWindow < limit)
          if (inWindow < limit) begun.push(now)
        }
      },
    ),
  )
})
