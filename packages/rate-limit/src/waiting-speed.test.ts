/** What it costs to wait, and that nothing is left of those who did. */
import { getEventListeners } from 'node:events'
import { type Clock, systemClock } from '@spillway/middleware'
import { virtualClock } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import type { Lease } from './admission.ts'
import { Limiter } from './limiter.ts'
import type { Cost, Limits } from './limits.ts'
import { WaitQueue } from './wait-queue.ts'

const small: Cost = { inputTokens: 1, outputTokens: 1 }

function opened(limits: Limits, clock: Clock, ageing = 10_000) {
  const limiter = new Limiter(limits)
  const room = new WaitQueue(limiter, { maxQueued: 20_000, ageing })
  const enter = (changes: { cost?: Cost; priority?: number; patience?: number; signal?: AbortSignal } = {}) =>
    room.enter({ cost: small, priority: 5, patience: 60_000, clock, signal: undefined, ...changes })
  return { limiter, room, enter }
}

/** CPU time of this process, which says the same on a busy machine, in milliseconds. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/** Runs something, and measures what it takes, and what its longest hold of the event loop takes, in milliseconds of CPU. */
async function watched(run: () => Promise<unknown>): Promise<{ tookMs: number; longestMs: number }> {
  let isOver = false
  let longestMs = 0
  const begun = cpuMs()
  const watch = (async () => {
    for (let last = begun; !isOver; ) {
      await new Promise((resolve) => setImmediate(resolve))
      const now = cpuMs()
      longestMs = Math.max(longestMs, now - last)
      last = now
    }
  })()
  await run()
  const tookMs = cpuMs() - begun
  isOver = true
  await watch
  return { tookMs, longestMs }
}

/** Lets `count` calls wait, and frees the only place: each gives it to the next. */
async function handOn(count: number) {
  const { limiter, room, enter } = opened({ concurrency: 1, inputTokensPerMinute: 1e9 }, systemClock)
  const occupant = limiter.tryAcquire(small, systemClock.now()) as Lease
  const calls: Promise<void>[] = []
  const entering = await watched(async () => {
    for (let call = 0; call < count; call++) {
      const turn = enter({ priority: call % 10 })
      calls.push(turn.then((lease) => (lease as Lease).settle(small, systemClock.now())))
    }
  })
  expect(room.size).toBe(count)
  const serving = await watched(async () => {
    occupant.settle(small, systemClock.now())
    await Promise.all(calls)
  })
  expect([room.size, limiter.inFlight]).toEqual([0, 0])
  return { ...serving, enteringMs: entering.tookMs }
}

describe('the waiting room', { retry: 2 }, () => {
  it.each([1_000, 10_000])(
    'admits at least 5,000 calls a second while %d wait, and holds nobody up',
    async (count) => {
      await handOn(500)
      const { tookMs, longestMs, enteringMs } = await handOn(count)
      expect(count / (tookMs / 1_000)).toBeGreaterThan(5_000)
      expect(count / (enteringMs / 1_000)).toBeGreaterThan(5_000)
      expect(longestMs).toBeLessThan(100)
    },
  )

  it('takes no longer for each where ten times as many wait', async () => {
    await handOn(500)
    const few = Math.min(...[await handOn(1_000), await handOn(1_000)].map(({ tookMs }) => tookMs)) / 1_000
    const many =
      Math.min(...[await handOn(10_000), await handOn(10_000)].map(({ tookMs }) => tookMs)) / 10_000
    expect(many / few).toBeLessThan(4)
  })

  it('serves 5,000 settlements a second while 10,000 wait for more than is free', async () => {
    const { limiter, room, enter } = opened({ inputTokensPerMinute: 10_000 }, systemClock)
    const leases = Array.from({ length: 5_000 }, () =>
      limiter.tryAcquire({ inputTokens: 1.9, outputTokens: 0 }, systemClock.now()),
    )
    const caller = new AbortController()
    const large = { inputTokens: 9_999, outputTokens: 0 }
    const calls = Array.from({ length: 10_000 }, () => enter({ cost: large, signal: caller.signal }))
    const all = Promise.allSettled(calls)
    const { tookMs, longestMs } = await watched(async () => {
      for (const [index, lease] of leases.entries()) {
        lease?.settle({ inputTokens: 1.8, outputTokens: 0 }, systemClock.now())
        if (index % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
    })
    expect(room.size).toBe(10_000)
    expect(tookMs).toBeLessThan(1_000)
    expect(longestMs).toBeLessThan(100)
    caller.abort()
    await all
  }, 20_000)

  it('lets small ones pass large ones wherever they wait', async () => {
    const clock = virtualClock()
    const { limiter, enter } = opened({ inputTokensPerMinute: 1_000, concurrency: 300 }, clock)
    const occupant = limiter.tryAcquire({ inputTokens: 1_000, outputTokens: 0 }, 0) as Lease
    const large = Array.from({ length: 500 }, () => enter({ cost: { inputTokens: 600, outputTokens: 0 } }))
    let passed = 0
    for (let call = 0; call < 200; call++)
      void enter({ cost: { inputTokens: 1, outputTokens: 0 } }).then(() => passed++)
    await clock.advance(1_000)
    occupant.settle({ inputTokens: 500, outputTokens: 0 }, clock.now())
    await clock.advance(10)
    expect(passed).toBe(200)
    await clock.runUntil(Promise.all(large))
  })

  it.each([
    ['leave at the same moment', 60_000],
    ['lose their patience at the same moment', 100],
  ])('holds nobody up when 5,000 %s, and nothing is left of them', async (_, patience) => {
    const { limiter, room, enter } = opened({ concurrency: 1, inputTokensPerMinute: 10_000 }, systemClock)
    const occupant = limiter.tryAcquire(small, systemClock.now())
    const callers = Array.from({ length: 5_000 }, () => new AbortController())
    const all = Promise.allSettled(callers.map(({ signal }) => enter({ patience, signal })))
    const gone = new Error('gone')
    const { longestMs } = await watched(async () => {
      await new Promise((resolve) => setImmediate(resolve))
      if (patience > 1_000) for (const caller of callers) caller.abort(gone)
      await all
    })
    expect(room.size).toBe(0)
    expect(callers.flatMap(({ signal }) => getEventListeners(signal, 'abort'))).toHaveLength(0)
    expect(longestMs).toBeLessThan(100)
    occupant?.settle(undefined, systemClock.now())
    const before = limiter.inFlight
    expect(before).toBe(0)
  })
})

it('a call that leaves while it is first lets the next one go', async () => {
  const clock = virtualClock()
  const { limiter, room, enter } = opened({ inputTokensPerMinute: 1_000 }, clock)
  limiter
    .tryAcquire({ inputTokens: 500, outputTokens: 0 }, 0)
    ?.settle({ inputTokens: 500, outputTokens: 0 }, 0)
  await clock.advance(20_000)
  const caller = new AbortController()
  const large = { inputTokens: 1_000, outputTokens: 0 }
  const first = enter({ cost: large, patience: 45_000, signal: caller.signal })
  // It does not fit beside the first.
  const second = enter({ cost: { inputTokens: 500, outputTokens: 0 } })
  await clock.advance(100)
  expect(room.size).toBe(2)
  caller.abort(new Error('gone'))
  await expect(first).rejects.toThrow('gone')
  expect(await clock.runUntil(second)).toHaveProperty('settle')
  expect(clock.now()).toBeLessThan(20_200)
  expect([room.size, clock.pending]).toEqual([0, 0])
})

it('a limiter that throws fails those who wait, and leaves nothing', async () => {
  const clock = virtualClock()
  const { limiter, room, enter } = opened({ concurrency: 1 }, clock)
  const occupant = limiter.tryAcquire(small, 0)
  const calls = Promise.allSettled([enter(), enter()])
  limiter.tryAcquire = () => {
    throw new Error('broken')
  }
  occupant?.settle(undefined, 0)
  expect(await calls).toMatchObject([{ reason: { message: 'broken' } }, { reason: { message: 'broken' } }])
  expect([room.size, clock.pending]).toEqual([0, 0])
})
