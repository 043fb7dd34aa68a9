/** What bottleneck 2.19 does to those who use it alone, and that the waiting room built on it does not. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@spillway/middleware'
import { describe, expect, it } from 'vitest'
import type { Lease } from './admission.ts'
import { Limiter } from './limiter.ts'
import { WaitQueue } from './wait-queue.ts'

const cost = { inputTokens: 0, outputTokens: 0 }
const usual = { cost, priority: 5, patience: 30_000, clock: systemClock, signal: undefined }
const roomy = { maxQueued: 10_000, ageing: 10_000 }

function occupied(): { limiter: Limiter; free: () => void } {
  const limiter = new Limiter({ concurrency: 1 })
  const lease = limiter.tryAcquire(cost, 0) as Lease
  return { limiter, free: () => lease.settle(undefined, 0) }
}

describe('trap: every job waits for several turns of the event loop', () => {
  it('where there is room, none is asked: an admission is synchronous', () => {
    const limiter = new Limiter({ requestsPerMinute: 10, concurrency: 10 })
    expect(limiter.tryAcquire(cost, 0)).toHaveProperty('settle')
  })
})

describe('trap: a job cannot be cancelled, an aborted one still runs', () => {
  it('a call that leaves is gone at once and never gets a place', async () => {
    const { limiter, free } = occupied()
    const room = new WaitQueue(limiter, roomy)
    const caller = new AbortController()
    let admissions = 0
    const admit = (): number => admissions++
    const gone = room.enter({ ...usual, signal: caller.signal })
    const stays = room.enter(usual)
    void gone.then(admit, () => {})
    caller.abort(new Error('gone'))
    expect(room.size).toBe(1)
    await expect(gone).rejects.toThrow('gone')
    free()
    const lease = (await stays) as Lease
    expect([admissions, room.size, limiter.inFlight]).toEqual([0, 0, 1])
    lease.settle(cost, 0)
  })
})

describe('trap: one weight debits concurrency and the reservoir alike', () => {
  it('a call of 90 tokens takes 90 tokens, one request and one place', () => {
    const limiter = new Limiter({ requestsPerMinute: 5, inputTokensPerMinute: 100, concurrency: 2 })
    limiter.tryAcquire({ inputTokens: 90, outputTokens: 0 }, 0)
    expect(limiter.headroom(0)).toEqual({
      requestsPerMinute: { used: 1, limit: 5 },
      inputTokensPerMinute: { used: 90, limit: 100 },
      concurrency: { used: 1, limit: 2 },
    })
  })
})

describe('trap: a weight above the reservoir waits for ever and blocks all behind it', () => {
  it('a call larger than the limit gets an empty window, and those behind it follow', async () => {
    const limiter = new Limiter({ inputTokensPerMinute: 100, concurrency: 1 })
    const occupant = limiter.tryAcquire(cost, systemClock.now()) as Lease
    const room = new WaitQueue(limiter, roomy)
    const large = room.enter({ ...usual, cost: { inputTokens: 5_000, outputTokens: 0 } })
    const behind = room.enter({ ...usual, patience: 90_000 })
    occupant.settle(cost, systemClock.now())
    const lease = (await large) as Lease
    lease.settle(cost, systemClock.now())
    const next = (await behind) as Lease
    next.settle(cost, systemClock.now())
    expect([room.size, limiter.inFlight]).toEqual([0, 0])
  })
})

describe('trap: the default strategy drops the oldest job', () => {
  it('a full room refuses the newest, and those who wait stay', async () => {
    const { limiter, free } = occupied()
    const room = new WaitQueue(limiter, { ...roomy, maxQueued: 2 })
    const order: string[] = []
    const enter = async (name: string): Promise<void> => {
      const turn = await room.enter(usual)
      order.push('reason' in turn ? `${name} ${turn.reason}` : name)
      if ('settle' in turn) turn.settle(cost, 0)
    }
    const calls = ['oldest', 'older', 'newest'].map(enter)
    await calls[2]
    free()
    await Promise.all(calls)
    expect(order).toEqual(['newest full', 'oldest', 'older'])
  })
})

describe('trap: refresh intervals are rounded to 250 ms', () => {
  it('a window of a second opens within 100 ms of its time', async () => {
    const limiter = new Limiter({ requestsPerSecond: 1 })
    const room = new WaitQueue(limiter, roomy)
    const begun = systemClock.now()
    limiter.tryAcquire(cost, begun)
    await room.enter(usual)
    const waited = systemClock.now() - begun
    expect(waited).toBeGreaterThanOrEqual(1_000)
    expect(waited).toBeLessThan(1_100)
  })
})

describe('trap: a job that expires is rejected and runs on', () => {
  it('a call whose patience ends takes nothing, even when a place becomes free in that moment', async () => {
    const { limiter, free } = occupied()
    const room = new WaitQueue(limiter, roomy)
    const turn = await room.enter({ ...usual, patience: 20 })
    free()
    expect(turn).toMatchObject({ reason: 'impatient' })
    const lease = (await room.enter(usual)) as Lease
    expect(limiter.inFlight).toBe(1)
    lease.settle(cost, 0)
    expect([room.size, limiter.inFlight]).toEqual([0, 0])
  })
})

describe('trap: what is queued keeps the process alive', () => {
  it.each([
    ['all leave', 1_000, 0],
    ['half leave', 1_000, 500],
  ])(
    'when %s of those who wait, the process exits by itself within a second',
    async (how, count, admitted) => {
      const path = fileURLToPath(new URL('../test/waiting-child.ts', import.meta.url))
      const child = fork(path, [String(count), how], { execArgv: ['--conditions=@spillway/source'] })
      const exit = once(child, 'exit')
      const [report] = await once(child, 'message')
      const emptied = performance.now()
      expect(report).toEqual({ admitted, waiting: 0, inFlight: 0 })
      expect(await exit).toEqual([0, null])
      expect(performance.now() - emptied).toBeLessThan(1_000)
    },
    30_000,
  )
})
