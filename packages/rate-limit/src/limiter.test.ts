import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { Beside, Lease } from './admission.ts'
import { Limiter } from './limiter.ts'
import type { Ahead, Cost } from './limits.ts'

const small: Cost = { inputTokens: 10, outputTokens: 5 }

describe('a call', () => {
  it('is admitted to all limits or to none', () => {
    const limiter = new Limiter({ requestsPerMinute: 100, inputTokensPerMinute: 15, concurrency: 10 })
    expect(limiter.tryAcquire(small, 0)).toBeDefined()
    expect(limiter.tryAcquire(small, 0)).toBeUndefined()
    expect(limiter.headroom(0)).toEqual({
      requestsPerMinute: { used: 1, limit: 100 },
      inputTokensPerMinute: { used: 10, limit: 15 },
      concurrency: { used: 1, limit: 10 },
    })
  })

  it('settles once, with what it really took', () => {
    const limiter = new Limiter({ outputTokensPerMinute: 100 })
    const lease = limiter.tryAcquire({ inputTokens: 0, outputTokens: 60 }, 0)
    lease?.settle({ inputTokens: 0, outputTokens: 20 }, 1_000)
    lease?.settle({ inputTokens: 0, outputTokens: 90 }, 2_000)
    expect(limiter.headroom(2_000).outputTokensPerMinute?.used).toBe(20)
  })

  it('of another process counts too, beyond a limit as well; what it gives back is no capacity that there was not', () => {
    const limiter = new Limiter({ requestsPerMinute: 10, inputTokensPerMinute: 100 })
    limiter.spend({ calls: 12, inputTokens: 60, outputTokens: 7 }, 0, 'opus')
    expect(limiter.headroom(0, 'opus')).toMatchObject({
      requestsPerMinute: { used: 12 },
      inputTokensPerMinute: { used: 60 },
    })
    expect(limiter.tryAcquire({ ...small, group: 'opus' }, 0)).toBeUndefined()
    expect(limiter.tryAcquire({ ...small, group: 'haiku' }, 0)).toBeDefined()
    limiter.spend({ calls: -2, inputTokens: -20, outputTokens: 0 }, 0, 'opus')
    limiter.spend({ calls: -3, inputTokens: -20, outputTokens: 0 }, 30_000, 'opus')
    expect(limiter.headroom(30_000, 'opus')).toMatchObject({
      requestsPerMinute: { used: 10 },
      inputTokensPerMinute: { used: 40 },
    })
  })

  it('that sent nothing gives everything back', () => {
    const limiter = new Limiter({ requestsPerMinute: 1, inputTokensPerMinute: 10, concurrency: 1 })
    limiter.tryAcquire(small, 0)?.settle(undefined, 10)
    expect(limiter.tryAcquire(small, 20)).toBeDefined()
  })

  it('whose estimate exceeds a whole limit is admitted to an empty window, so it does not wait for ever', () => {
    const limiter = new Limiter({ inputTokensPerMinute: 100 })
    expect(limiter.tryAcquire({ inputTokens: 5_000, outputTokens: 0 }, 0)).toBeDefined()
    const wait = limiter.timeUntil({ inputTokens: 5_000, outputTokens: 0 }, 0)
    expect(wait).toBeLessThanOrEqual(60_100)
    expect(limiter.tryAcquire({ inputTokens: 5_000, outputTokens: 0 }, wait)).toBeDefined()
  })
})

describe('what the vendor says', () => {
  it('is not booked as use of ours, and paces calls until it is back', () => {
    const limiter = new Limiter({ requestsPerMinute: 100 })
    limiter.learn('requestsPerMinute', { limit: 100, remaining: 20, resetMs: 30_000 }, 0)
    expect(limiter.headroom(0).requestsPerMinute?.used).toBe(0)
    const admitted = Array.from({ length: 40 }, () => limiter.tryAcquire(small, 0)).filter(Boolean)
    expect(admitted).toHaveLength(20)
    expect(limiter.timeUntil(small, 0)).toBe(375)
    expect(limiter.tryAcquire(small, 375)).toBeDefined()
  })

  it('holds beside the configured limit, whichever is lower', () => {
    const limiter = new Limiter({ requestsPerMinute: 100 })
    const admitted = (remaining: number): number => {
      limiter.learn('requestsPerMinute', { limit: 1_000, remaining, resetMs: 30_000 }, 0)
      return Array.from({ length: 200 }, () => limiter.tryAcquire(small, 0)).filter(Boolean).length
    }
    expect([admitted(60), admitted(1_000), admitted(1_000)]).toEqual([60, 40, 0])
  })

  it('closes everything when it says so', () => {
    const limiter = new Limiter({ requestsPerMinute: 100 })
    limiter.closeUntil(5_000, 0)
    expect([limiter.tryAcquire(small, 4_999), limiter.timeUntil(small, 0)]).toEqual([undefined, 5_000])
    expect(limiter.tryAcquire(small, 5_000)).toBeDefined()
  })
})

describe('how long a call waits', () => {
  const tokens = (inputTokens: number, group?: string): Cost => ({ inputTokens, outputTokens: 0, group })

  const ahead = (...amounts: number[]): Ahead => ({
    calls: amounts.length,
    inputTokens: amounts.reduce((sum, amount) => sum + amount, 0),
    outputTokens: 0,
  })

  it('counts whole windows that those ahead of it fill, of its own group alone', () => {
    const limiter = new Limiter({ inputTokensPerMinute: 100 })
    limiter.tryAcquire(tokens(100), 0)
    expect(limiter.timeUntil(tokens(30), 0, ahead(30))).toBe(60_100)
    const later = new Limiter({ inputTokensPerMinute: 100 })
    for (const now of [0, 30_000]) later.tryAcquire(tokens(50), now)
    expect(later.timeUntil(tokens(50), 30_000, ahead(100))).toBe(30_100 + 60_000)
    expect(limiter.timeUntil(tokens(60), 0, ahead(60, 100))).toBe(180_100)
    expect(limiter.timeUntil(tokens(60), 0, ahead())).toBe(60_100)
    expect(limiter.timeUntil(tokens(60, 'a'), 0, ahead(100))).toBe(60_000)
  })

  it('is shown by group, with the vendor’s 429 and the windows that are used most', () => {
    const limiter = new Limiter({ requestsPerMinute: 5 })
    for (const group of ['a', 'b', 'b', 'c']) limiter.tryAcquire(tokens(1, group), 0)
    limiter.closeUntil(5_000, 1_000, 'b')
    const closed = (now: number) => limiter.groups(now).map(({ group, closedMs }) => [group, closedMs])
    expect(closed(2_000)).toEqual([
      ['a', 0],
      ['b', 3_000],
      ['c', 0],
    ])
    expect(closed(6_000)).toContainEqual(['b', 0])
    expect(limiter.headroom(2_000)).toEqual({ requestsPerMinute: { used: 2, limit: 5 } })
  })
})

describe('those who wait', () => {
  it('are told when a call settles, once for each, until they stop to listen', () => {
    const limiter = new Limiter({ concurrency: 2 })
    const [told, stopped] = [vi.fn(), vi.fn()]
    const first = limiter.tryAcquire(small, 0)
    const second = limiter.tryAcquire(small, 0)
    limiter.onRelease(told)
    const stop = limiter.onRelease(stopped)
    first?.settle(small, 1)
    first?.settle(small, 2)
    expect([told.mock.calls.length, stopped.mock.calls.length]).toEqual([1, 1])
    stop()
    second?.settle(small, 3)
    expect([told.mock.calls.length, stopped.mock.calls.length]).toEqual([2, 1])
  })

  it('are told when an answer opens what the vendor had closed, and when somebody does', () => {
    const limiter = new Limiter({ requestsPerMinute: 100 })
    const told = vi.fn()
    limiter.onRelease(told)
    limiter.closeUntil(300_000, 0)
    expect(limiter.tryAcquire(small, 59_999)).toBeUndefined()
    const probe = limiter.tryAcquire(small, 60_000)
    probe?.observe?.({ limits: [], closedMs: undefined, isSuccess: false }, 61_000)
    expect([told.mock.calls.length, limiter.timeUntil(small, 61_000)]).toEqual([0, 239_000])
    probe?.observe?.({ limits: [], closedMs: undefined, isSuccess: true }, 61_000)
    expect([told.mock.calls.length, limiter.timeUntil(small, 61_000)]).toEqual([1, 0])
    limiter.closeUntil(300_000, 62_000, 'a')
    limiter.open()
    expect([told.mock.calls.length, limiter.timeUntil({ ...small, group: 'a' }, 62_000)]).toEqual([2, 0])
  })
})

describe('the least that a call waits', () => {
  const limits = { requestsPerMinute: 10, inputTokensPerMinute: 100, outputTokensPerMinute: 100 }
  const predicted = { inputTokens: 10, outputTokens: 20 }
  const reserving = (limiter: Limiter, cost: Partial<Cost>, now: number): Lease =>
    limiter.tryAcquire({ inputTokens: 60, outputTokens: 30, ...cost }, now) as Lease
  const asked = { inputTokens: 60, outputTokens: 10 }

  it('is nothing where calls in flight settle at what is predicted', () => {
    const limiter = new Limiter(limits)
    reserving(limiter, { predicted }, 0)
    expect([limiter.timeUntil(asked, 0), limiter.soonest(asked, 0)]).toEqual([60_100, 0])
    expect(limiter.soonest({ ...asked, inputTokens: 90 }, 0)).toBe(0)
    expect(limiter.soonest({ ...asked, inputTokens: 91 }, 0)).toBe(60_100)
    expect(limiter.soonest({ ...asked, group: 'another' }, 0)).toBe(0)
  })

  it('counts on all of what nothing is known of, and on nothing of a call that takes more than was reserved', () => {
    const limiter = new Limiter(limits)
    reserving(limiter, {}, 0)
    expect(limiter.soonest({ ...asked, inputTokens: 100 }, 0)).toBe(0)
    const another = new Limiter(limits)
    reserving(another, { predicted: { inputTokens: 80, outputTokens: 30 } }, 0)
    expect(another.soonest(asked, 0)).toBe(60_100)
  })

  it('adds up calls of one moment, and forgets those that have settled', () => {
    const limiter = new Limiter(limits)
    const leases = [0, 0].map((now) => reserving(limiter, { inputTokens: 40, predicted }, now))
    expect(limiter.soonest({ ...asked, inputTokens: 80 }, 0)).toBe(0)
    for (const lease of leases) lease.settle({ inputTokens: 40, outputTokens: 30 }, 0)
    expect(limiter.soonest({ ...asked, inputTokens: 80 }, 0)).toBe(60_100)
    expect(limiter.soonest({ ...asked, inputTokens: 20 }, 0)).toBe(0)
  })

  it('counts what the vendor has left with what calls in flight may give back of it', () => {
    const limiter = new Limiter({ inputTokensPerMinute: 1_000 })
    const told = { limit: 100, remaining: 100, resetMs: 60_000 }
    limiter.learn('inputTokensPerMinute', told, 0)
    reserving(limiter, { predicted }, 0)
    expect(limiter.timeUntil(asked, 0)).toBeGreaterThan(0)
    expect(limiter.soonest(asked, 0)).toBe(0)
    expect(limiter.soonest({ ...asked, inputTokens: 95 }, 0)).toBeGreaterThan(0)
  })

  it('counts the same of output that may still be generated', () => {
    const limiter = new Limiter({ inputTokensPerMinute: 1_000 })
    limiter.learn('outputTokensPerMinute', { limit: 1_000, remaining: 100, resetMs: 60_000 }, 0)
    reserving(limiter, { outputTokens: 90, predicted: { inputTokens: 0, outputTokens: 60 } }, 0)
    const waits = [80, 110].map((outputTokens) => {
      const cost = { inputTokens: 0, outputTokens }
      return [limiter.timeUntil(cost, 0) > 0, limiter.soonest(cost, 0) > 0]
    })
    expect(waits).toEqual([
      [true, false],
      [true, true],
    ])
  })
})

describe('a call that passes another one', () => {
  const call = (inputTokens: number, more: object = {}): Cost => ({ inputTokens, outputTokens: 0, ...more })
  const beside = (cost: Cost, by: number, isHoping = false): Beside => ({ cost, by, isHoping })
  const isAdmitted = (limiter: Limiter, cost: Cost, now: number, passed: Beside): boolean =>
    limiter.tryAcquire(cost, now, passed) !== undefined

  it('leaves a place for it', () => {
    const limiter = new Limiter({ concurrency: 2 })
    limiter.tryAcquire(call(1), 0)
    expect(isAdmitted(limiter, call(1), 0, beside(call(1), 0))).toBe(false)
    expect(isAdmitted(new Limiter({ concurrency: 2 }), call(1), 0, beside(call(1), 0))).toBe(true)
  })

  it('is admitted where both fit now, and where its tokens have left the window by then', () => {
    const limiter = new Limiter({ inputTokensPerMinute: 100 })
    expect(isAdmitted(limiter, call(30), 0, beside(call(70), 0))).toBe(true)
    expect(isAdmitted(limiter, call(1), 0, beside(call(70), 60_099))).toBe(false)
    expect(isAdmitted(limiter, call(1), 0, beside(call(70), 60_100))).toBe(true)
  })

  it('is admitted where enough of what was spent before it has left the window by then', () => {
    const limiter = new Limiter({ inputTokensPerMinute: 100 })
    limiter.tryAcquire(call(50), 0)
    expect(isAdmitted(limiter, call(30), 1_000, beside(call(71), 60_100))).toBe(false)
    expect(isAdmitted(limiter, call(30), 1_000, beside(call(70), 60_099))).toBe(false)
    expect(isAdmitted(limiter, call(30), 1_000, beside(call(70), 60_100))).toBe(true)
  })

  it('counts on settlements where the other one does', () => {
    const full = (): Limiter => {
      const limiter = new Limiter({ inputTokensPerMinute: 100 })
      limiter.tryAcquire(call(60, { predicted: { inputTokens: 20, outputTokens: 0 } }), 0)
      return limiter
    }
    expect(isAdmitted(full(), call(10), 0, beside(call(70), 5_000, true))).toBe(true)
    expect(isAdmitted(full(), call(10), 0, beside(call(71), 5_000, true))).toBe(false)
    expect(isAdmitted(full(), call(10), 0, beside(call(70), 5_000, false))).toBe(false)
  })

  it('needs nothing but a place where the other is of another group', () => {
    const limiter = new Limiter({ inputTokensPerMinute: 100 })
    expect(isAdmitted(limiter, call(100, { group: 'a' }), 0, beside(call(100, { group: 'b' }), 0))).toBe(true)
    expect(isAdmitted(limiter, call(100), 0, beside(call(100, { group: 'b' }), 0))).toBe(true)
    expect(isAdmitted(limiter, call(60, { group: 'c' }), 0, beside(call(60, { group: 'c' }), 0))).toBe(false)
    expect(isAdmitted(limiter, call(60, { group: '' }), 70_000, beside(call(60), 70_000))).toBe(false)
  })

  it('leaves what the vendor has left for it, by the time that it needs it', () => {
    const limiter = new Limiter({ inputTokensPerMinute: 1_000 })
    limiter.learn('inputTokensPerMinute', { limit: 600, remaining: 100, resetMs: 50_000 }, 0)
    expect(isAdmitted(limiter, call(30), 0, beside(call(71), 0))).toBe(false)
    expect(isAdmitted(limiter, call(30), 0, beside(call(71), 100))).toBe(true)
    const later = new Limiter({ inputTokensPerMinute: 1_000 })
    later.learn('inputTokensPerMinute', { limit: 600, remaining: 100, resetMs: 50_000 }, 5_000)
    expect(isAdmitted(later, call(30), 5_000, beside(call(71), 5_000))).toBe(false)
  })
})

it('shows one group, or of all what is used most', () => {
  const limiter = new Limiter({ requestsPerMinute: 5, inputTokensPerMinute: 50 })
  for (const group of ['a', 'b', 'b']) limiter.tryAcquire({ inputTokens: 7, outputTokens: 0, group }, 0)
  limiter.tryAcquire({ inputTokens: 30, outputTokens: 0, group: 'c' }, 0)
  const shown = (requests: number, input: number) => ({
    requestsPerMinute: { used: requests, limit: 5 },
    inputTokensPerMinute: { used: input, limit: 50 },
  })
  expect(limiter.headroom(0)).toEqual(shown(2, 30))
  expect(limiter.headroom(0, 'a')).toEqual(shown(1, 7))
  expect(limiter.groups(0).map(({ headroom }) => headroom)).toEqual([shown(1, 7), shown(2, 14), shown(1, 30)])
})

it('holds a call that has only asked for a place in flight until it settles', () => {
  const limiter = new Limiter({ concurrency: 1 })
  const lease = limiter.tryAcquire(small, 0)
  expect(limiter.isIdle(120_000)).toBe(false)
  lease?.settle(small, 120_000)
  expect(limiter.isIdle(120_000)).toBe(true)
})

it('is idle when nothing counts against its limits', () => {
  const limiter = new Limiter({ requestsPerMinute: 5 })
  expect(limiter.isIdle(0)).toBe(true)
  const lease = limiter.tryAcquire(small, 0)
  expect([limiter.isIdle(0), limiter.isIdle(120_000)]).toEqual([false, false])
  lease?.settle(small, 120_000)
  expect(limiter.isIdle(120_000)).toBe(true)
  limiter.tryAcquire(small, 200_000)?.settle(small, 200_000)
  expect([limiter.isIdle(200_000), limiter.isIdle(260_100)]).toEqual([false, true])
  limiter.closeUntil(300_000, 270_000)
  expect([limiter.isIdle(299_999), limiter.isIdle(300_000)]).toEqual([false, true])
})

it('conserves: over random arrivals, failures and settlements no limit is ever exceeded by what is admitted, and nothing leaks', () => {
  const step = fc.record({
    gap: fc.nat(4_000),
    input: fc.nat(80),
    output: fc.nat(80),
    ending: fc.constantFrom('answer' as const, 'nothing sent' as const, 'keeps running' as const),
    real: fc.nat(80),
  })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 150 }), (steps) => {
      const limits = {
        requestsPerMinute: 20,
        inputTokensPerMinute: 300,
        outputTokensPerMinute: 200,
        concurrency: 5,
      }
      const limiter = new Limiter(limits)
      const running: { lease: Lease; real: Cost }[] = []
      let now = 0
      for (const { gap, input, output, ending, real } of steps) {
        now += gap
        const before = limiter.headroom(now)
        const lease = limiter.tryAcquire({ inputTokens: input, outputTokens: output }, now)
        const after = limiter.headroom(now)
        for (const name of Object.keys(limits) as (keyof typeof limits)[]) {
          // Settlements may show that more was taken than reserved; an admission never goes beyond a limit.
          if (lease !== undefined) expect(after[name]?.used).toBeLessThanOrEqual(limits[name])
          else expect(after[name]?.used).toBe(before[name]?.used)
        }
        if (lease === undefined) continue
        // Real usage within the reservation, as a vendor that stops at max_tokens would have it.
        const taken = { inputTokens: Math.min(real, input), outputTokens: Math.min(real, output) }
        if (ending === 'answer') lease.settle(taken, now + 1)
        else if (ending === 'nothing sent') lease.settle(undefined, now + 1)
        else running.push({ lease, real: taken })
        if (running.length > 4) running.shift()?.lease.settle(taken, now + 2)
      }
      for (const { lease, real } of running) lease.settle(real, now)
      const end = limiter.headroom(now + 200_000)
      expect(Object.values(end).map(({ used }) => used)).toEqual([0, 0, 0, 0])
    }),
  )
})

it('lets 663 tokens through a limit of 100 under no circumstances', () => {
  const limiter = new Limiter({ outputTokensPerMinute: 100 })
  const admitted = Array.from({ length: 50 }, () =>
    limiter.tryAcquire({ inputTokens: 1, outputTokens: 13 }, 0),
  )
  expect(admitted.filter((lease) => lease !== undefined)).toHaveLength(7)
})

it.each([{ requestsPerMinute: 0 }, { concurrency: -1 }, { inputTokensPerMinute: Number.NaN }])(
  'refuses %o',
  (limits) => {
    expect(() => new Limiter(limits)).toThrow(/must be 1 or more/)
  },
)
