/** Calls pass one that waits for more capacity than they need, and do it no harm. */
import { type VirtualClock, virtualClock } from '@spillway/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Lease } from './admission.ts'
import { Limiter } from './limiter.ts'
import type { Cost, Limits } from './limits.ts'
import { WaitQueue } from './wait-queue.ts'
import type { TurnedAway } from './waiting-call.ts'

const tokens = (inputTokens: number): Cost => ({ inputTokens, outputTokens: 0 })

/** A waiting room on a virtual clock, and when its calls were admitted. */
function opened(limits: Limits, clock: VirtualClock, options = { maxQueued: 10_000, ageing: 10_000 }) {
  const limiter = new Limiter(limits)
  const room = new WaitQueue(limiter, options)
  const enter = (cost: Cost, changes: { patience?: number; priority?: number } = {}) => {
    const { patience = 30_000, priority = 5 } = changes
    const begun = clock.now()
    const state: { at?: number; lease?: Lease; refused?: TurnedAway; waited: number } = { waited: Infinity }
    const done = room.enter({ cost, priority, patience, clock, signal: undefined }).then((turn) => {
      if ('reason' in turn) state.refused = turn
      else {
        state.lease = turn
        state.at = clock.now()
        state.waited = clock.now() - begun
      }
    })
    return Object.assign(state, { done })
  }
  const spend = (cost: Cost): Lease => limiter.tryAcquire(cost, clock.now()) as Lease
  return { limiter, room, enter, spend }
}

/** Calls of 100 tokens each so many milliseconds; all of them. */
async function trickle(
  under: ReturnType<typeof opened>,
  clock: VirtualClock,
  ms: number,
  every = 500,
  patience = 30_000,
) {
  const calls = []
  for (let at = 0; at < ms; at += every) {
    calls.push(under.enter(tokens(100), { patience }))
    await clock.advance(every)
  }
  return calls
}

describe('behind a call of 300,000 tokens for which 150,000 are not enough', () => {
  it('calls of 100 tokens are admitted at once, and it is admitted at its time', async () => {
    const clock = virtualClock()
    const under = opened({ inputTokensPerMinute: 400_000 }, clock)
    under.spend(tokens(250_000)).settle(tokens(250_000), 0)
    await clock.advance(34_000)
    const large = under.enter(tokens(300_000))
    const small = await trickle(under, clock, 30_000)
    expect(Math.max(...small.map(({ waited }) => waited))).toBe(0)
    expect(large.at).toBeGreaterThan(59_900)
    expect(large.at).toBeLessThan(60_200)
    expect([under.room.size, clock.pending]).toEqual([0, 0])
  })

  it('they may take until the next capacity comes, where that is soon', async () => {
    const clock = virtualClock()
    const under = opened({ inputTokensPerMinute: 400_000 }, clock)
    // 50,000 leave the window each 5 s: its 300,000 fit when three have, and not one token more.
    for (let part = 0; part < 5; part++) {
      under.spend(tokens(50_000)).settle(tokens(50_000), clock.now())
      await clock.advance(5_000)
    }
    await clock.advance(24_000)
    const large = under.enter(tokens(300_000))
    const small = await trickle(under, clock, 31_000)
    expect(Math.max(...small.map(({ waited }) => waited))).toBe(0)
    // Without the small ones, 21 s.
    expect(large.waited).toBeLessThan(26_300)
  })

  it('they wait where they would put it off for longer than it bears', async () => {
    const clock = virtualClock()
    const under = opened({ inputTokensPerMinute: 400_000 }, clock)
    under.spend(tokens(150_000)).settle(tokens(150_000), 0)
    await clock.advance(20_000)
    under.spend(tokens(100_000)).settle(tokens(100_000), 0)
    await clock.advance(20_000)
    const large = under.enter(tokens(300_000))
    const small = await trickle(under, clock, 45_000, 500, 60_000)
    expect(large.at).toBeGreaterThan(59_900)
    expect(large.at).toBeLessThan(60_200)
    // It leaves nothing for them until the next 100,000 have left the window.
    expect(Math.min(...small.map(({ at = 0 }) => at))).toBeGreaterThan(79_900)
  })

  it('it is never put off beyond its patience', async () => {
    const clock = virtualClock()
    const under = opened({ inputTokensPerMinute: 400_000 }, clock)
    under.spend(tokens(50_000)).settle(tokens(50_000), 0)
    for (let second = 1; second <= 10; second++) {
      await clock.advance(1_000)
      under.spend(tokens(20_000)).settle(tokens(20_000), 0)
    }
    await clock.advance(38_000)
    const large = under.enter(tokens(300_000), { patience: 20_000 })
    for (let step = 0; step < 40; step++) {
      under.enter(tokens(30_000))
      await clock.advance(500)
    }
    expect(large.refused).toBeUndefined()
    expect(large.waited).toBeGreaterThan(17_000)
    expect(large.waited).toBeLessThan(18_300)
  })
})

it('a better priority goes first, and a call that has aged goes before it', async () => {
  const clock = virtualClock()
  const under = opened({ requestsPerMinute: 1 }, clock)
  under.spend(tokens(0))
  const order: string[] = []
  const note = (name: string, call: { done: Promise<void> }) => call.done.then(() => order.push(name))
  const patient = { patience: 1e6 }
  const calls = [note('9', under.enter(tokens(0), { ...patient, priority: 9 }))]
  await clock.advance(50_000)
  calls.push(note('5', under.enter(tokens(0), { ...patient, priority: 5 })))
  calls.push(note('3', under.enter(tokens(0), { ...patient, priority: 3 })))
  await clock.runUntil(Promise.all(calls))
  expect(order).toEqual(['3', '9', '5'])
})

describe('a priority that is no whole number from 0 to 9', () => {
  it.each([
    [Number.NaN, 5],
    [-Infinity, 0],
    [-3, 0],
    [2.4, 2],
    [17, 9],
    [Infinity, 9],
  ])('%d counts as %d', async (asked, counted) => {
    const clock = virtualClock()
    const under = opened({ concurrency: 1 }, clock)
    const lease = under.spend(tokens(0))
    const order: string[] = []
    const call = async (name: string, priority: number) => {
      const one = under.enter(tokens(0), { priority })
      await one.done
      order.push(name)
      one.lease?.settle(undefined, clock.now())
    }
    const calls = [call('same before', counted), call('asked', asked), call('same behind', counted)]
    if (counted > 0) calls.push(call('better', counted - 1))
    if (counted < 9) calls.push(call('worse', counted + 1))
    lease.settle(undefined, 0)
    await clock.runUntil(Promise.all(calls))
    const expected = ['same before', 'asked', 'same behind']
    if (counted > 0) expected.unshift('better')
    if (counted < 9) expected.push('worse')
    expect(order).toEqual(expected)
  })
})

it('leaves a place for the call that is passed', async () => {
  const clock = virtualClock()
  const under = opened({ inputTokensPerMinute: 400_000, concurrency: 2 }, clock)
  under.spend(tokens(250_000)).settle(tokens(250_000), 0)
  await clock.advance(34_000)
  const large = under.enter(tokens(300_000))
  const small = [1, 2, 3].map(() => under.enter(tokens(100)))
  await clock.advance(1_000)
  expect(small.map(({ at }) => at)).toEqual([34_000, undefined, undefined])
  // The first small one runs on and on.
  await clock.advance(26_000)
  expect(large.at).toBeLessThan(60_200)
})

describe('calls of other groups of models', () => {
  const of = (group: string, inputTokens: number): Cost => ({ ...tokens(inputTokens), group })

  it('do not wait for those of a group that has no capacity, and each group keeps its own order', async () => {
    const clock = virtualClock()
    const under = opened({ inputTokensPerMinute: 1_000 }, clock)
    under.spend(of('opus', 1_000)).settle(of('opus', 1_000), 0)
    under.spend(of('haiku', 500)).settle(of('haiku', 500), 0)
    await clock.advance(40_000)
    const opus = under.enter(of('opus', 100))
    const haiku = under.enter(of('haiku', 800))
    const small = []
    for (let second = 0; second < 25; second++) {
      small.push(under.enter(of('haiku', 100)))
      await clock.advance(1_000)
    }
    const sonnet = under.enter(of('sonnet', 900))
    await clock.advance(0)
    expect(sonnet.waited).toBe(0)
    expect([opus, haiku].map(({ at = 0 }) => Math.floor(at / 1_000))).toEqual([60, 60])
    // They take what the large one leaves, and the rest wait.
    expect(small.slice(0, 3).map(({ waited }) => waited === 0)).toEqual([true, true, false])
    await clock.runAll()
    expect([under.room.size, clock.pending]).toEqual([0, 0])
  })

  it('get places in the order in which they came', async () => {
    const clock = virtualClock()
    const under = opened({ concurrency: 1 }, clock)
    const lease = under.spend(of('opus', 1))
    const order: string[] = []
    const names = ['haiku', 'opus', 'sonnet', 'haiku', 'opus']
    const calls = []
    for (const group of names) {
      const call = under.enter(of(group, 1))
      calls.push(
        call.done.then(() => {
          order.push(group)
          call.lease?.settle(of(group, 1), clock.now())
        }),
      )
      await clock.advance(10)
    }
    lease.settle(undefined, clock.now())
    await clock.runUntil(Promise.all(calls))
    expect(order).toEqual(names)
  })

  it('share one queue beyond 32 of them, whatever names callers make up', async () => {
    const clock = virtualClock()
    const under = opened({ requestsPerMinute: 2 }, clock)
    const calls = []
    for (let name = 0; name < 200; name++) {
      const cost = of(`model ${name}`, 0)
      for (let call = 0; call < 3; call++) calls.push(under.enter(cost, { patience: 1e9 }))
    }
    await clock.runAll()
    expect(calls.every(({ at }) => at !== undefined)).toBe(true)
    expect([under.room.size, clock.pending]).toEqual([0, 0])
  })
})

describe('under any arrivals', () => {
  const limits = { inputTokensPerMinute: 1_000, requestsPerMinute: 60 }
  const ageing = 5_000
  const slot = 100
  const arrival = fc.record({
    gap: fc.oneof(fc.constant(0), fc.nat(400), fc.nat(20_000)),
    size: fc.oneof(fc.nat(30), fc.nat(300), fc.integer({ min: 300, max: 1_000 })),
    // What it settles at, in parts of its reservation, and when.
    real: fc.double({ min: 0, max: 1, noNaN: true }),
    after: fc.nat(10_000),
    isPatient: fc.boolean(),
  })

  it('no limit is exceeded, nobody waits for ever, and whoever was sure of its time is admitted by then', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(arrival, { minLength: 1, maxLength: 60 }), async (arrivals) => {
        const clock = virtualClock()
        const under = opened(limits, clock, { maxQueued: 10_000, ageing })
        const calls = []
        const taken: { at: number; amount: number }[] = []
        const check = (at: number): void => {
          const within = taken.filter((one) => one.at > at - 60_000)
          expect(within.reduce((sum, { amount }) => sum + amount, 0)).toBeLessThanOrEqual(1_000)
          expect(within.length).toBeLessThanOrEqual(60)
        }
        for (const { gap, size, real, after, isPatient } of arrivals) {
          await clock.advance(gap)
          const ahead = under.room.size
          const call = under.enter(tokens(size), { patience: isPatient ? 1e9 : 30_000 })
          const settled = call.done.then(() => {
            const { lease, at } = call
            if (lease === undefined || at === undefined) return
            const one = { at, amount: size }
            taken.push(one)
            check(at)
            clock.setTimer(after, () => {
              one.amount = Math.floor(size * real)
              lease.settle(tokens(one.amount), clock.now())
            })
          })
          calls.push({ call, settled, ahead, isPatient })
        }
        await clock.runUntil(Promise.all(calls.map(({ settled }) => settled)))
        for (const { call, ahead, isPatient } of calls) {
          if (call.at === undefined) expect(isPatient).toBe(false)
          // Each of those ahead waits a whole window at most, and is passed for a bounded time.
          else expect(call.waited).toBeLessThanOrEqual((ahead + 1) * (60_000 + slot + ageing + 5))
        }
        await clock.advance(100_000)
        expect([under.room.size, under.limiter.inFlight, clock.pending]).toEqual([0, 0, 0])
      }),
      { numRuns: 60 },
    )
  })

  it('the first one is admitted by the time of which it was sure, and `ageing` on top, and who does it no harm at once', async () => {
    let passed = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ gap: fc.nat(3_000), size: fc.integer({ min: 1, max: 400 }) }), {
          maxLength: 20,
        }),
        fc.integer({ min: 300, max: 1_000 }),
        fc.array(arrival, { minLength: 20, maxLength: 120 }),
        async (before, size, later) => {
          const clock = virtualClock()
          const under = opened({ inputTokensPerMinute: 1_000 }, clock, { maxQueued: 10_000, ageing })
          const taken: { at: number; amount: number }[] = []
          for (const { gap, size } of before) {
            const lease = under.limiter.tryAcquire(tokens(size), clock.now())
            lease?.settle(tokens(size), clock.now())
            if (lease !== undefined) taken.push({ at: clock.now(), amount: size })
            await clock.advance(gap)
          }
          /** What counts at a time, to one slot. */
          const counted = (at: number): number => {
            const oldest = Math.floor(at / slot) - 600
            const still = taken.filter((one) => Math.floor(one.at / slot) >= oldest)
            return still.reduce((sum, { amount }) => sum + amount, 0)
          }
          const sureAt = (): number => clock.now() + under.limiter.timeUntil(tokens(size), clock.now())
          const sure = sureAt()
          const large = under.enter(tokens(size), { patience: 1e9 })
          for (const { gap, size: wanted, real, after } of later) {
            await clock.advance(gap / 20)
            const now = clock.now()
            const harmless =
              large.at === undefined &&
              counted(now) + wanted <= 1_000 &&
              counted(sureAt() + 2) + wanted + size <= 1_000 &&
              sureAt() <= sure + ageing
            const call = under.enter(tokens(wanted))
            void call.done.then(() => {
              if (call.at === undefined) return
              const one = { at: call.at, amount: wanted }
              taken.push(one)
              clock.setTimer(after, () => {
                one.amount = Math.floor(wanted * real)
                call.lease?.settle(tokens(one.amount), clock.now())
              })
            })
            await clock.advance(0)
            if (harmless) {
              passed++
              expect(call.at).toBe(now)
            }
          }
          await clock.runUntil(large.done)
          expect(large.at).toBeLessThanOrEqual(sure + ageing + slot + 5)
        },
      ),
      { numRuns: 100 },
    )
    expect(passed).toBeGreaterThan(100)
  })
})
