import { virtualClock } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import type { Admission, Lease } from './admission.ts'
import { Limiter } from './limiter.ts'
import type { Limits } from './limits.ts'
import { acquireSpare } from './spare-capacity.ts'

const clock = virtualClock()
const cost = { inputTokens: 100, outputTokens: 10 }

/** How many calls that nobody waits for are admitted beside so many others. */
function spare(limits: Limits, others = 0): number {
  const limiter = new Limiter(limits)
  for (let call = 0; call < others; call++) limiter.tryAcquire(cost, clock.now())
  let admitted = 0
  while (acquireSpare(limiter, cost, clock) !== undefined) admitted++
  return admitted
}

describe('a call that nobody waits for leaves half of', () => {
  it.each<[string, Limits, number]>([
    ['concurrency', { concurrency: 10 }, 5],
    ['an odd concurrency', { concurrency: 3 }, 1],
    ['the last place', { concurrency: 1 }, 0],
    ['requests a minute', { requestsPerMinute: 8 }, 4],
    ['requests a second', { requestsPerSecond: 4 }, 2],
    ['input tokens', { inputTokensPerMinute: 1_050 }, 5],
    ['output tokens', { outputTokensPerMinute: 100 }, 5],
    ['whichever is the least', { concurrency: 100, requestsPerMinute: 6, inputTokensPerMinute: 1e6 }, 3],
  ])('%s', (_, limits, admitted) => {
    expect(spare(limits)).toBe(admitted)
    expect(spare(limits, admitted)).toBe(0)
    if (admitted > 0) expect(spare(limits, admitted - 1)).toBe(1)
  })

  it('what the vendor says is left of its limit', () => {
    const limiter = new Limiter({ requestsPerMinute: 1_000 })
    const tell = (remaining: number) =>
      limiter.learn('requestsPerMinute', { limit: 100, remaining, resetMs: 30_000 }, clock.now())
    tell(50)
    expect(acquireSpare(limiter, cost, clock)).toBeUndefined()
    tell(51)
    expect(acquireSpare(limiter, cost, clock)).toBeDefined()
  })
})

it('gives a place back that others have taken while a shared limit was asked', async () => {
  let used = 1
  const settled: unknown[] = []
  const lease: Lease = { settle: (actual) => settled.push(actual) }
  const shared = {
    headroom: () => ({ concurrency: { used, limit: 4 } }),
    groups: () => [],
    tryAcquire: async () => {
      used = 4
      return lease
    },
  } as unknown as Admission
  expect(await acquireSpare(shared, cost, clock)).toBeUndefined()
  expect(settled).toEqual([undefined])
})
