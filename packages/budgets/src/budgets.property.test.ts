import { virtualClock } from '@spillway/testing'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createBudgets, isBudgetRefusal, type Reservation } from './budgets.ts'
import { memoryBudgetStore } from './memory-store.ts'
import { periodAt } from './period.ts'
import type { BudgetRule } from './rule.ts'

const ttl = 20 * 60_000
const amount = 10_000

const rules: readonly BudgetRule[] = (['ann', 'bob'] as const).flatMap((name): BudgetRule[] => [
  {
    ...{ id: name, scope: { type: 'client', name }, unit: 'tokens', period: 'day', amount },
    hard: true,
  },
  {
    ...{ id: 'all', scope: { type: 'all' }, unit: 'tokens', period: 'week' },
    amount: 3 * amount,
    hard: true,
  },
])
const [ann, bob] = [rules.slice(0, 2), rules.slice(2)]

const tokens = (count: number) => ({ requests: 1, tokens: count, usd: 0 })

/** What may happen, in any order. */
const event = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      type: fc.constant('call' as const),
      isAnns: fc.boolean(),
      most: fc.integer({ min: 0, max: 8_000 }),
      least: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  // A retry or a hedge.
  { weight: 1, arbitrary: fc.record({ type: fc.constant('extend' as const), which: fc.nat() }) },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('settle' as const),
      which: fc.nat(),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      again: fc.boolean(),
    }),
  },
  // Left before anything was sent; lost with its process.
  { weight: 1, arbitrary: fc.record({ type: fc.constant('release' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('lose' as const), which: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('wait' as const),
      ms: fc.integer({ min: 1, max: 6 * 3_600_000 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('step' as const),
      ms: fc.integer({ min: -30 * 3_600_000, max: 30 * 3_600_000 }),
    }),
  },
)

interface Call {
  readonly reservation: Reservation
  readonly isAnns: boolean
  held: number
  readonly until: number
}

it('no budget is overshot by more than one reservation, and what is charged is what was used', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 120 }), async (events) => {
      const clock = virtualClock({ epoch: Date.UTC(2026, 10, 27, 12) })
      const budgets = createBudgets({ store: memoryBudgetStore({ clock, ttl }) })
      const calls: Call[] = []
      const lost: Call[] = []
      /** What must have been charged, by the rule and the start of the period. */
      const charged = new Map<string, number>()
      /** What calls have reserved after they were admitted. */
      let extended = 0
      /** The largest reservation of each. */
      const largest = new Map<string, number>()
      const places = ({ reservation }: Pick<Call, 'reservation'>): string[] =>
        reservation.statuses.map(({ rule, startsAt }) => `${rule.id} ${startsAt}`)
      const charge = (call: Call, used: number): void => {
        for (const place of places(call)) charged.set(place, (charged.get(place) ?? 0) + used)
      }
      const note = (call: Call): void => {
        for (const place of places(call)) largest.set(place, Math.max(largest.get(place) ?? 0, call.held))
      }
      const take = (which: number): Call | undefined =>
        calls.length === 0 ? undefined : calls.splice(which % calls.length, 1)[0]

      for (const each of events) {
        if (each.type === 'call') {
          const { isAnns, most } = each
          const expected = Math.floor(most * each.least)
          const decision = budgets.reserve(isAnns ? ann : bob, {
            most: tokens(most),
            expected: tokens(expected),
          })
          if (decision instanceof Promise) throw new Error('memory answers at once')
          if (!isBudgetRefusal(decision)) {
            const call = { reservation: decision, isAnns, held: most, until: clock.now() + ttl }
            calls.push(call)
            note(call)
          }
        } else if (each.type === 'extend') {
          const call = calls[each.which % Math.max(1, calls.length)]
          if (call !== undefined && call.until > clock.now()) {
            call.reservation.extend(tokens(500))
            call.held += 500
            extended += 500
            note(call)
          }
        } else if (each.type === 'settle') {
          const call = take(each.which)
          const used = Math.floor((call?.held ?? 0) * each.share)
          if (call !== undefined) charge(call, used)
          call?.reservation.settle(tokens(used))
          if (each.again) call?.reservation.settle(tokens(used))
        } else if (each.type === 'release') {
          take(each.which)?.reservation.release()
        } else if (each.type === 'lose') {
          const call = take(each.which)
          if (call !== undefined) lost.push(call)
        } else if (each.type === 'wait') {
          await clock.advance(each.ms)
        } else clock.step(each.ms)

        const statuses = [
          ...(budgets.usage(ann) as Reservation['statuses']),
          ...(budgets.usage(bob) as Reservation['statuses']),
        ]
        for (const { rule, used, reserved, startsAt } of statuses) {
          const place = `${rule.id} ${startsAt}`
          const ofRule = ({ isAnns }: Call): boolean =>
            rule.id === 'all' || rule.id === (isAnns ? 'ann' : 'bob')
          const alive = [...calls, ...lost].filter((call) => ofRule(call) && places(call).includes(place))
          const lapsed = alive.filter(({ until }) => until <= clock.now())
          const sum = (of: readonly Call[]): number => of.reduce((total, { held }) => total + held, 0)
          expect(used).toBe((charged.get(place) ?? 0) + sum(lapsed))
          expect(reserved).toBe(sum(alive) - sum(lapsed))
          expect(used + reserved).toBeLessThanOrEqual(rule.amount + (largest.get(place) ?? 0) + extended)
        }
      }
    }),
    { numRuns: 200 },
  )
})

it('a period is the one that its moments lie in', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('minute', 'day', 'week', 'month'),
      fc.integer({ min: -1e12, max: 4e12 }),
      (period, at) => {
        const { start, end } = periodAt(period, at)
        expect(start <= at && at < end).toBe(true)
        expect(periodAt(period, start)).toEqual({ start, end })
        expect(periodAt(period, end).start).toBe(end)
      },
    ),
  )
})
