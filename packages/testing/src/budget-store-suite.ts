import assert from 'node:assert/strict'
import type { ConformanceCase } from './limit-store-suite.ts'
import { type VirtualClock, virtualClock } from './virtual-clock.ts'

type MaybePromise<T> = T | Promise<T>
type Period = 'minute' | 'day' | 'week' | 'month'

interface Meter {
  readonly name: string
  readonly period: Period
}

interface State {
  readonly used: number
  readonly reserved: number
  readonly startsAt: number
  readonly resetsAt: number
}

/** What the suite needs of a store of budgets; a `BudgetStore` of `@spillway/budgets` has it. */
export interface TestedBudgets {
  reserve(
    id: string,
    demands: readonly (Meter & {
      readonly limit: number | undefined
      readonly expected: number
      readonly most: number
    })[],
  ): MaybePromise<{ readonly states: readonly State[]; readonly refusedBy: number | undefined }>
  extend(id: string, amounts: readonly number[]): void
  settle(id: string, amounts: readonly number[]): MaybePromise<readonly State[]>
  read(meters: readonly Meter[]): MaybePromise<readonly State[]>
  open(openings: readonly (Meter & { readonly amount: number })[]): MaybePromise<void>
  charge(charges: readonly (Meter & { readonly amount: number })[]): MaybePromise<readonly State[]>
}

/** Makes an empty store that counts in the time of `clock`, and keeps reservations for `ttl` milliseconds. */
export type OpenBudgets = (clock: VirtualClock, ttl: number) => MaybePromise<TestedBudgets>

const ttl = 3_600_000
const hour = 3_600_000
const day = 24 * hour
/** A Friday, at noon. */
const noon = Date.UTC(2026, 10, 27, 12)

const one: Meter = { name: 'client:tokens:day:ann', period: 'day' }
const other: Meter = { name: 'team:tokens:day:search', period: 'day' }

/** Lets what is sent to a store arrive there. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20))

/** What every store of budgets must do, for any test runner: `for (const { name, run } of cases) it(name, run)`. */
export function budgetStoreCases(open: OpenBudgets): ConformanceCase[] {
  const on = (
    name: string,
    run: (store: TestedBudgets, clock: VirtualClock) => Promise<void>,
  ): ConformanceCase => ({
    name,
    async run() {
      const clock = virtualClock({ epoch: noon })
      await run(await open(clock, ttl), clock)
    },
  })
  const want = (most: number, limit: number | undefined, expected = most, meter = one) => ({
    ...meter,
    ...{ limit, expected, most },
  })
  const amounts = async (store: TestedBudgets, meter: Meter = one): Promise<readonly number[]> => {
    const [state] = await store.read([meter])
    return [state?.used ?? Number.NaN, state?.reserved ?? Number.NaN]
  }

  return [
    on('admits what is expected to fit, and reserves the most', async (store) => {
      const first = await store.reserve('a', [want(900, 1_000, 100)])
      assert.equal(first.refusedBy, undefined)
      assert.deepEqual(await amounts(store), [0, 900])
      const second = await store.reserve('b', [want(5_000, 1_000, 100)])
      assert.equal(second.refusedBy, undefined)
      const third = await store.reserve('c', [want(0, 1_000, 0)])
      assert.equal(third.refusedBy, 0)
      assert.deepEqual(await amounts(store), [0, 5_900])
    }),

    on('reserves on all meters or on none, and says on which there is too little left', async (store) => {
      const both = await store.reserve('a', [want(10, 100), want(10, 5, 10, other)])
      assert.equal(both.refusedBy, 1)
      assert.deepEqual(
        [await amounts(store), await amounts(store, other)],
        [
          [0, 0],
          [0, 0],
        ],
      )
      await store.reserve('b', [want(10, 100), want(10, undefined, 10, other)])
      assert.deepEqual(
        [await amounts(store), await amounts(store, other)],
        [
          [0, 10],
          [0, 10],
        ],
      )
    }),

    on('settles each meter with what was used, once', async (store) => {
      await store.reserve('a', [want(500, 1_000), want(50, undefined, 50, other)])
      const [first, second] = await store.settle('a', [70, 7])
      assert.deepEqual([first?.used, first?.reserved, second?.used], [70, 0, 7])
      await store.settle('a', [70, 7])
      await store.settle('never reserved', [70, 7])
      assert.deepEqual(
        [await amounts(store), await amounts(store, other)],
        [
          [70, 0],
          [7, 0],
        ],
      )
    }),

    on('charges more than was reserved where more was used, and gives everything back', async (store) => {
      await store.reserve('a', [want(10, 1_000)])
      await store.settle('a', [2_000])
      assert.deepEqual(await amounts(store), [2_000, 0])
      await store.reserve('b', [want(10, undefined)])
      await store.settle('b', [0])
      assert.deepEqual(await amounts(store), [2_000, 0])
    }),

    on('extends a reservation, and none that is over', async (store) => {
      await store.reserve('a', [want(10, 100)])
      store.extend('a', [200])
      await turn()
      assert.deepEqual(await amounts(store), [0, 210])
      await store.settle('a', [30])
      store.extend('a', [200])
      await turn()
      assert.deepEqual(await amounts(store), [30, 0])
    }),

    on('is exact above what a float of 14 digits holds', async (store) => {
      const large = 8_000_000_000_000_001
      await store.charge([{ ...one, amount: large }])
      await store.reserve('a', [want(3, large + 3)])
      assert.deepEqual(await amounts(store), [large, 3])
      assert.equal((await store.reserve('b', [want(1, large + 3)])).refusedBy, 0)
    }),

    on(
      'begins each period with nothing, and charges a call to the one that it began in',
      async (store, clock) => {
        await store.reserve('a', [want(900, 1_000)])
        const [before] = await store.read([one])
        assert.deepEqual([before?.startsAt, before?.resetsAt], [noon - day / 2, noon + day / 2])
        await clock.advance(day / 2)
        assert.deepEqual(await amounts(store), [0, 0])
        assert.equal((await store.reserve('b', [want(900, 1_000)])).refusedBy, undefined)
        const [of] = await store.settle('a', [800])
        assert.equal(of?.startsAt, noon - day / 2)
        assert.deepEqual(await amounts(store), [0, 900])
      },
    ),

    on('charges a reservation that expires unsettled, and corrects it later', async (store, clock) => {
      await store.reserve('a', [want(500, 1_000)])
      await clock.advance(ttl - 1)
      assert.deepEqual(await amounts(store), [0, 500])
      await clock.advance(1)
      assert.deepEqual(await amounts(store), [500, 0])
      await store.settle('a', [20])
      assert.deepEqual(await amounts(store), [20, 0])
      await store.settle('a', [20])
      assert.deepEqual(await amounts(store), [20, 0])
    }),

    on(
      'goes on with a period when the clock is set back, and begins the next when it is set forward',
      async (store, clock) => {
        await store.charge([{ ...one, amount: 1_000 }])
        clock.step(-3 * day)
        assert.equal((await store.reserve('a', [want(1, 1_000)])).refusedBy, 0)
        clock.step(4 * day)
        assert.equal((await store.reserve('b', [want(1, 1_000)])).refusedBy, undefined)
      },
    ),

    on('takes what it is told first to have been used before', async (store) => {
      await store.reserve('a', [want(100, 1_000)])
      await store.settle('a', [40])
      await store.open([{ ...one, amount: 300 }])
      await store.open([{ ...one, amount: 300 }])
      await store.open([{ ...one, amount: 200 }])
      assert.deepEqual(await amounts(store), [340, 0])
      await store.open([{ ...one, amount: 500 }])
      assert.deepEqual(await amounts(store), [340, 0])
    }),

    on('adds what no call has reserved', async (store) => {
      await store.charge([
        { ...one, amount: 5 },
        { ...other, amount: 7 },
      ])
      const [state] = await store.charge([{ ...one, amount: 5 }])
      assert.equal(state?.used, 10)
      assert.deepEqual(await amounts(store, other), [7, 0])
    }),

    on(
      'conserves: over random calls what is settled is what is used, and nothing stays reserved',
      async (store, clock) => {
        let used = 0
        let calls = 0
        const held: { readonly id: string; readonly most: number }[] = []
        for (let step = 0; step < 300; step++) {
          if (clock.random() < 0.6) {
            const most = Math.floor(clock.random() * 200)
            const id = `call ${calls++}`
            const { refusedBy } = await store.reserve(id, [
              want(most, 5_000, Math.floor(most * clock.random())),
            ])
            if (refusedBy === undefined) held.push({ id, most })
          } else if (held.length > 0) {
            const [{ id, most }] = held.splice(Math.floor(clock.random() * held.length), 1) as [
              (typeof held)[0],
            ]
            const amount = Math.floor(clock.random() * most)
            used += amount
            await store.settle(id, [amount])
          }
          const reserved = held.reduce((sum, { most }) => sum + most, 0)
          assert.deepEqual(await amounts(store), [used, reserved])
          assert.ok(used <= 5_000 + 200, `${used} used`)
        }
        for (const { id } of held) await store.settle(id, [0])
        assert.deepEqual(await amounts(store), [used, 0])
      },
    ),
  ]
}
