import { getEventListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '@spillway/middleware'
import { describe, expect, it } from 'vitest'
import type { Lease } from './admission.ts'
import { Limiter } from './limiter.ts'
import { WaitQueue } from './wait-queue.ts'

const cost = { inputTokens: 0, outputTokens: 0 }
const usual = { cost, priority: 5, patience: 30_000, clock: systemClock, signal: undefined }
const roomy = { maxQueued: 10_000, ageing: 10_000 }

/** A limiter with one place, which is taken. */
function occupied(): { limiter: Limiter; free: () => void } {
  const limiter = new Limiter({ concurrency: 1 })
  const lease = limiter.tryAcquire(cost, 0) as Lease
  return { limiter, free: () => lease.settle(undefined, 0) }
}

it('admits in the order of arrival when a place becomes free', async () => {
  const { limiter, free } = occupied()
  const room = new WaitQueue(limiter, roomy)
  const order: number[] = []
  const calls = [0, 1, 2].map(async (number) => {
    const lease = (await room.enter(usual)) as Lease
    order.push(number)
    lease.settle(undefined, 0)
  })
  free()
  await Promise.all(calls)
  expect([order, room.size, limiter.inFlight]).toEqual([[0, 1, 2], 0, 0])
})

it('with 1,000 waiting and 500 of them leaving, the others run in the order of their priority and nothing is left', async () => {
  const { limiter, free } = occupied()
  const room = new WaitQueue(limiter, roomy)
  const ran: number[] = []
  const callers = Array.from({ length: 1_000 }, () => new AbortController())
  const calls = callers.map(async ({ signal }, number) => {
    const priority = number % 10
    const lease = (await room.enter({ ...usual, priority, signal })) as Lease
    ran.push(priority)
    lease.settle(undefined, 0)
  })
  const all = Promise.allSettled(calls)
  expect(room.size).toBe(1_000)
  for (const [number, caller] of callers.entries()) if (number % 20 < 10) caller.abort(new Error('gone'))
  expect(room.size).toBe(500)
  free()
  const settled = await all
  expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(500)
  expect(ran).toHaveLength(500)
  expect(ran).toEqual([...ran].sort((a, b) => a - b))
  expect([room.size, limiter.inFlight]).toEqual([0, 0])
  expect(callers.flatMap(({ signal }) => getEventListeners(signal, 'abort'))).toHaveLength(0)
}, 30_000)

it('does not let anybody wait for ever: age goes before priority in the end', async () => {
  const { limiter, free } = occupied()
  const room = new WaitQueue(limiter, { maxQueued: 100, ageing: 10 })
  const order: string[] = []
  const enter = async (name: string, priority: number): Promise<void> => {
    const lease = (await room.enter({ ...usual, priority })) as Lease
    order.push(name)
    lease.settle(undefined, 0)
  }
  const old = enter('old', 9)
  await delay(120)
  const young = enter('young', 0)
  free()
  await Promise.all([old, young])
  expect(order).toEqual(['old', 'young'])
})

describe('a call is turned away', () => {
  it('when too many wait', async () => {
    const room = new WaitQueue(occupied().limiter, { ...roomy, maxQueued: 1 })
    void room.enter({ ...usual, patience: 50 })
    expect(await room.enter(usual)).toMatchObject({ reason: 'full' })
  })

  it('at once when its turn would come too late, with the time when it would come', {
    retry: 2,
  }, async () => {
    const limiter = new Limiter({ requestsPerMinute: 1 })
    limiter.tryAcquire(cost, systemClock.now())
    const room = new WaitQueue(limiter, roomy)
    const begun = performance.now()
    const answer = await room.enter({ ...usual, patience: 1_000 })
    expect(performance.now() - begun).toBeLessThan(50)
    expect(answer).toMatchObject({ reason: 'too_long' })
    const { retryAfterMs } = answer as { retryAfterMs: number }
    expect(retryAfterMs).toBeGreaterThan(59_000)
    expect(retryAfterMs).toBeLessThan(60_200)
  })

  it('when its patience is at an end', async () => {
    const room = new WaitQueue(occupied().limiter, roomy)
    expect(await room.enter({ ...usual, patience: 30 })).toMatchObject({ reason: 'impatient' })
    expect(room.size).toBe(0)
  })
})

it('those who wait already are counted for those who come', async () => {
  const limiter = new Limiter({ requestsPerMinute: 2 })
  const now = systemClock.now()
  limiter.tryAcquire(cost, now)
  limiter.tryAcquire(cost, now)
  const room = new WaitQueue(limiter, roomy)
  const caller = new AbortController()
  const waiting = [1, 2].map(() => room.enter({ ...usual, patience: 600_000, signal: caller.signal }))
  const wait = room.waitFor(usual)
  expect(wait).toBeGreaterThan(119_000)
  expect(wait).toBeLessThan(120_300)
  caller.abort()
  await Promise.allSettled(waiting)
})

it('the caller who leaves gives everything back at once', async () => {
  const { limiter } = occupied()
  const room = new WaitQueue(limiter, roomy)
  const caller = new AbortController()
  const call = room.enter({ ...usual, signal: caller.signal })
  caller.abort(new Error('gone'))
  expect(room.size).toBe(0)
  await expect(call).rejects.toThrow('gone')
  await expect(room.enter({ ...usual, signal: caller.signal })).rejects.toThrow('gone')
})
