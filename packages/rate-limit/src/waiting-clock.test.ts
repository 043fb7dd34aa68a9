/** Time is that of the calls' clock: neither the system clock nor real timers change when a call is admitted. */
import {
  type Clock,
  createRequest,
  emit,
  type Handler,
  type Outcome,
  systemClock,
} from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject } from '@spillway/middleware/kit'
import { virtualClock } from '@spillway/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Lease } from './admission.ts'
import { Limiter } from './limiter.ts'
import { createRateLimit, type RateLimitOptions } from './rate-limit.ts'
import { WaitQueue } from './wait-queue.ts'

const cost = { inputTokens: 0, outputTokens: 0 }
const body = jsonBodyFromObject({ model: 'm', messages: [] })

const answer: Handler = async (request) => {
  emit(request, 'attempt.started', { model: request.model })
  const timings = { startedAt: 0, firstContent: 1, end: 2 }
  const outcome: Outcome = {
    ...{ failure: undefined, usage: undefined, stopReason: undefined, model: 'm', timings, bytes: 1 },
  }
  return {
    ...{ status: 200, headers: {}, body: bodyOf(new Uint8Array()), failure: undefined, target: 'x' },
    outcome: Promise.resolve(outcome),
  }
}

function limited(options: RateLimitOptions, clock: Clock) {
  const { middleware } = createRateLimit(options)
  const handler = middleware(answer)
  const request = () =>
    createRequest({ api: 'anthropic', model: 'm', stream: false, url: '/v1/messages', body, clock })
  return () => handler(request())
}

const hour = 3_600_000

describe('a step of the system clock', () => {
  let offset = 0
  const real = Date.now

  beforeEach(() => {
    offset = 0
    vi.spyOn(Date, 'now').mockImplementation(() => real() + offset)
  })
  afterEach(() => void vi.restoreAllMocks())

  it.each([
    ['5 s back', -5_000],
    ['5 s forward', 5_000],
    ['an hour back', -hour],
    ['an hour forward', hour],
  ])('by %s refuses nobody and delays nobody who waits', async (_, step) => {
    const call = limited({ requestsPerSecond: 4, maxWait: 9_000 }, systemClock)
    const begun = performance.now()
    const answers = Array.from({ length: 12 }, call)
    const shift = (): void => {
      offset += step
    }
    for (const at of [100, 600, 1_100, 1_600]) setTimeout(shift, at)
    const statuses = (await Promise.all(answers)).map(({ status }) => status)
    expect(statuses).toEqual(Array.from({ length: 12 }, () => 200))
    const took = performance.now() - begun
    expect(took).toBeGreaterThan(1_990)
    // Two seconds on a machine that is not busy; a wait by the other clock takes five more.
    expect(took).toBeLessThan(6_500)
  })

  it('in the moment in which the first call begins to wait changes nothing either', async () => {
    const call = limited({ requestsPerSecond: 1, maxWait: 2_500 }, systemClock)
    const answers = [call(), call()]
    offset -= 5_000
    answers.push(call())
    const statuses = (await Promise.all(answers)).map(({ status }) => status)
    expect(statuses).toEqual([200, 200, 200])
  })
})

it('a timer that fires early, and time that goes on meanwhile, leave nobody waiting', async () => {
  // Node's timers fire up to a millisecond early; the capacity may then come between two looks at the clock.
  for (let early = 0; early < 1; early += 0.02) {
    const clock = virtualClock()
    let looks = 0
    const creeping: Clock = {
      now: () => clock.now() + 0.01 * ++looks,
      epoch: () => clock.epoch(),
      random: () => clock.random(),
      setTimer: (ms, act) => clock.setTimer(Math.max(0, ms - early), act),
    }
    const call = limited({ requestsPerSecond: 2, maxWait: 20_000 }, creeping)
    const answers = await clock.runUntil(Promise.all(Array.from({ length: 8 }, call)))
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect(clock.now()).toBeLessThan(6_000)
  }
})

describe('on a virtual clock', () => {
  it('a call that is due after a second is admitted then, and a real timer never runs', async () => {
    const clock = virtualClock()
    const timer = vi.spyOn(globalThis, 'setTimeout')
    const call = limited({ requestsPerSecond: 1 }, clock)
    const admitted: number[] = []
    const calls = Array.from({ length: 4 }, async () => {
      expect((await call()).status).toBe(200)
      admitted.push(clock.now())
    })
    await clock.runUntil(Promise.all(calls))
    expect(timer).not.toHaveBeenCalled()
    timer.mockRestore()
    for (const [index, at] of admitted.entries()) {
      expect(at).toBeGreaterThanOrEqual(index * 1_000)
      expect(at).toBeLessThan(index * 1_000 + 10)
    }
    expect(clock.pending).toBe(0)
  })

  it('a call that is due in the very moment in which its patience ends is admitted', async () => {
    const clock = virtualClock()
    const limiter = new Limiter({ requestsPerMinute: 1 })
    limiter.tryAcquire(cost, 0)
    const room = new WaitQueue(limiter, { maxQueued: 10, ageing: 10_000 })
    const patience = limiter.timeUntil(cost, 0)
    const turn = room.enter({ cost, priority: 5, patience, clock, signal: undefined })
    expect(await clock.runUntil(turn)).toHaveProperty('settle')
    expect(clock.now()).toBe(patience)
  })

  it('a thousand calls are admitted at their times, and nothing is left', async () => {
    const clock = virtualClock()
    const limiter = new Limiter({ requestsPerSecond: 10 })
    const room = new WaitQueue(limiter, { maxQueued: 1_000, ageing: 10_000 })
    const calls = Array.from({ length: 1_000 }, async () => {
      const turn = await room.enter({ cost, priority: 5, patience: 1e6, clock, signal: undefined })
      ;(turn as Lease).settle(cost, clock.now())
      return clock.now()
    })
    const admitted = await clock.runUntil(Promise.all(calls))
    for (const [index, at] of admitted.entries()) {
      const due = Math.floor(index / 10) * 1_000
      expect(at).toBeGreaterThanOrEqual(due)
      expect(at).toBeLessThan(due * 1.01 + 10)
    }
    expect([room.size, limiter.inFlight, clock.pending]).toEqual([0, 0, 0])
  })
})

describe('a priority function', () => {
  it.each(['throws', 'gives NaN'])(
    'that %s loses nothing: others are served, and no timer, place or call in the queue is left',
    async (how) => {
      const clock = virtualClock()
      let asked = 0
      const priority = (): number => {
        if (++asked === 2 && how === 'throws') throw new Error('broken priority')
        return Number.NaN
      }
      const limit = createRateLimit({ requestsPerSecond: 1, concurrency: 2, priority })
      const handler = limit.middleware(answer)
      const call = () =>
        handler(
          createRequest({ api: 'anthropic', model: 'm', stream: false, url: '/v1/messages', body, clock }),
        )
      const calls = Promise.allSettled([call(), call(), call(), call()])
      const settled = await clock.runUntil(calls)
      expect(settled.filter(({ status }) => status === 'rejected')).toEqual([])
      expect([limit.waiting, limit.limiter()?.inFlight, clock.pending]).toEqual([0, 0, 0])
    },
  )
})
