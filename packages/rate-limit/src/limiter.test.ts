import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Lease } from './admission.ts'
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
