/** Calls wait for those in flight to settle at less than is reserved for them, instead of being refused. */
import {
  type Clock,
  createRequest,
  emit,
  type Handler,
  type ModelResponse,
  type Outcome,
  sleep,
  systemClock,
} from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject } from '@spillway/middleware/kit'
import { hasRedis, startRedis, virtualClock } from '@spillway/testing'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import type { Lease } from './admission.ts'
import { Limiter } from './limiter.ts'
import { createRateLimit } from './rate-limit.ts'
import { redisLimitStore } from './redis-limit-store.ts'
import { WaitQueue } from './wait-queue.ts'

/** A prompt of about 125,000 tokens, of which all but 2,000 come from the cache. */
const prompt = 'All work and no play makes Jack a dull boy. '.repeat(10_000)
const usage = {
  ...{ inputTokens: 500, cacheReadTokens: 123_000, cacheWriteTokens: 1_500, outputTokens: 300 },
  ...{ cacheWrite1hTokens: 0, reasoningTokens: 0 },
  estimated: false,
}

/** A vendor that answers after a while, and calls in flight. */
function vendor(clock: Clock, durationMs: (call: number) => number) {
  const began: number[] = []
  let inFlight = 0
  let most = 0
  const handler: Handler = async (request): Promise<ModelResponse> => {
    emit(request, 'attempt.started', { model: request.model })
    most = Math.max(most, ++inFlight)
    const startedAt = clock.now()
    began.push(startedAt)
    const outcome = sleep(clock, durationMs(began.length)).then((): Outcome => {
      inFlight--
      const timings = { startedAt, firstContent: 1, end: clock.now() - startedAt }
      return { ...{ failure: undefined, usage, stopReason: undefined, model: 'm', timings, bytes: 1_000 } }
    })
    const empty = { status: 200, headers: {}, body: bodyOf(new Uint8Array()), failure: undefined }
    return { ...empty, outcome, target: 'x' }
  }
  return { handler, began, most: () => most }
}

const limits = {
  requestsPerMinute: 600,
  inputTokensPerMinute: 400_000,
  outputTokensPerMinute: 80_000,
  concurrency: 50,
}

function requestOf(agent: number, clock: Clock) {
  return createRequest({
    ...{ api: 'anthropic', model: 'claude-opus-5', stream: true, url: '/v1/messages', clock },
    body: jsonBodyFromObject({
      ...{ model: 'claude-opus-5', max_tokens: 8_000, stream: true },
      messages: [{ role: 'user', content: `Agent ${agent}: ${prompt}` }],
    }),
  })
}

describe('ten agents with prompts of 125,000 tokens, nearly all from the cache, under 400,000 a minute', () => {
  it('are all served within seconds', async () => {
    const clock = virtualClock()
    const { handler, began, most } = vendor(clock, (call) => 1_500 + 250 * call)
    const limited = createRateLimit(limits)
    const served = limited.middleware(handler)
    const answers = Array.from({ length: 10 }, (_, agent) => served(requestOf(agent, clock)))
    const statuses = (await clock.runUntil(Promise.all(answers))).map(({ status }) => status)
    expect(statuses).toEqual(Array.from({ length: 10 }, () => 200))
    expect(began.at(-1)).toBeLessThan(10_000)
    // No reservation is overdrawn.
    expect(most()).toBeLessThanOrEqual(6)
    await clock.runAll()
    const used = limited.limiter()?.headroom(clock.now())
    expect(used).toMatchObject({ inputTokensPerMinute: { used: 20_000 }, concurrency: { used: 0 } })
  })

  it('are refused after their patience where nobody settles, with the time when there is capacity', async () => {
    const clock = virtualClock()
    const { handler } = vendor(clock, () => 600_000)
    const served = createRateLimit(limits).middleware(handler)
    const answers = Array.from({ length: 10 }, async (_, agent) => {
      const response = await served(requestOf(agent, clock))
      return { status: response.status, at: clock.now(), failure: response.failure }
    })
    const seen = await clock.runUntil(Promise.all(answers))
    const refused = seen.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThanOrEqual(6)
    for (const { at, failure } of refused) {
      expect(at).toBe(30_000)
      expect(failure).toMatchObject({ kind: 'saturated', origin: 'spillway' })
      expect(failure?.retryAfterMs).toBeGreaterThan(29_000)
      expect(failure?.retryAfterMs).toBeLessThan(30_200)
    }
    await clock.advance(refused[0]?.failure?.retryAfterMs ?? 0)
    expect((await served(requestOf(99, clock))).status).toBe(200)
  })

  it.skipIf(!hasRedis() && !process.env.CI)(
    'are all served when two processes share the limits',
    async () => {
      await using server = await startRedis()
      const clients = [0, 1].map(() => new Redis(server.url))
      const { handler, began } = vendor(systemClock, () => 300)
      const processes = clients.map((redis) =>
        createRateLimit({ ...limits, store: redisLimitStore(redis, { timeout: 2_000 }) }).middleware(handler),
      )
      const begun = systemClock.now()
      const answers = Array.from({ length: 10 }, (_, agent) => {
        // The first process reserves all there is; the other one is not told when its calls settle.
        const served = processes[agent < 3 ? 0 : 1] as Handler
        return served(requestOf(agent, systemClock))
      })
      const statuses = (await Promise.all(answers)).map(({ status }) => status)
      expect(statuses).toEqual(Array.from({ length: 10 }, () => 200))
      expect((began.at(-1) ?? 0) - begun).toBeLessThan(5_000)
      await new Promise((resolve) => setTimeout(resolve, 400))
      for (const client of clients) client.disconnect()
    },
  )
})

describe('a call for which there is no capacity', () => {
  const cost = { inputTokens: 125_000, outputTokens: 0 }

  function occupied(predicted: number | undefined) {
    const clock = virtualClock()
    const limiter = new Limiter({ inputTokensPerMinute: 400_000 })
    const lease = limiter.tryAcquire(
      {
        ...{ inputTokens: 390_000, outputTokens: 0 },
        predicted: predicted === undefined ? undefined : { inputTokens: predicted, outputTokens: 0 },
      },
      clock.now(),
    ) as Lease
    const room = new WaitQueue(limiter, { maxQueued: 100, ageing: 10_000 })
    const enter = (changes = {}) =>
      room.enter({ cost, priority: 5, patience: 30_000, clock, signal: undefined, ...changes })
    return { clock, limiter, lease, room, enter }
  }

  it('waits where those in flight may settle at less, and is admitted when they do', async () => {
    const { clock, lease, enter } = occupied(undefined)
    const turn = enter()
    await clock.advance(5_000)
    lease.settle({ inputTokens: 2_000, outputTokens: 0 }, clock.now())
    expect(await turn).toHaveProperty('settle')
  })

  it('waits where they are expected to settle at less', async () => {
    const { clock, lease, enter } = occupied(275_000)
    const turn = enter()
    await clock.advance(5_000)
    lease.settle({ inputTokens: 275_000, outputTokens: 0 }, clock.now())
    expect(await turn).toHaveProperty('settle')
  })

  it('is refused at once where even what they are expected to settle at leaves none', async () => {
    const { clock, enter } = occupied(275_001)
    expect(await enter()).toMatchObject({ reason: 'too_long', retryAfterMs: 60_100 })
    expect(clock.now()).toBe(0)
  })

  it('is refused at once where those that wait are expected to take all', async () => {
    const { clock, lease, enter } = occupied(2_000)
    lease.settle({ inputTokens: 390_000, outputTokens: 0 }, clock.now())
    const predicted = { inputTokens: 125_000, outputTokens: 0 }
    const patient = { cost: { ...cost, predicted }, patience: 100_000 }
    const waiting = [1, 2, 3].map(() => enter(patient))
    await clock.advance(0)
    const turn = await enter({ ...patient, patience: 70_000 })
    expect(turn).toMatchObject({ reason: 'too_long', retryAfterMs: 120_100 })
    await clock.runUntil(Promise.all(waiting))
  })

  it('is refused with a time in which it then has capacity', async () => {
    const { clock, limiter, lease, enter } = occupied(undefined)
    await clock.advance(10_000)
    lease.settle({ inputTokens: 390_000, outputTokens: 0 }, clock.now())
    const turn = await enter({ patience: 20_000 })
    const { retryAfterMs } = turn as { retryAfterMs: number }
    await clock.advance(retryAfterMs - 200)
    expect(limiter.tryAcquire(cost, clock.now())).toBeUndefined()
    await clock.advance(200)
    expect(limiter.tryAcquire(cost, clock.now())).toBeDefined()
  })
})

describe('a call that waits for others to settle', () => {
  it('is passed for a part of its patience only, and then gets what is given back', async () => {
    const clock = virtualClock()
    const limiter = new Limiter({ inputTokensPerMinute: 400_000 })
    const room = new WaitQueue(limiter, { maxQueued: 1_000, ageing: 10_000 })
    const leases = [1, 2, 3].map(
      () => limiter.tryAcquire({ inputTokens: 125_000, outputTokens: 0 }, 0) as Lease,
    )
    const enter = async (inputTokens: number, patience = 30_000) => {
      const cost = { inputTokens, outputTokens: 0 }
      const turn = await room.enter({ cost, priority: 5, patience, clock, signal: undefined })
      if ('settle' in turn) turn.settle(cost, clock.now())
      return { at: clock.now(), isAdmitted: 'settle' in turn }
    }
    const large = enter(125_000)
    const small = []
    for (let step = 0; step < 100; step++) {
      // As much as is given back, so that nothing would be left for the large one.
      small.push(enter(6_000))
      if (step % 20 === 19) leases.pop()?.settle({ inputTokens: 2_000, outputTokens: 0 }, clock.now())
      await clock.advance(250)
    }
    expect(await clock.runUntil(large)).toMatchObject({ isAdmitted: true })
    expect((await large).at).toBeLessThan(15_000)
    const first = await Promise.all(small.slice(0, 4))
    expect(first.map(({ at }) => at)).toEqual([0, 250, 500, 750])
  })
})
