import {
  createRequest,
  emit,
  type Failure,
  type Handler,
  type ModelRequest,
  type Outcome,
  sleep,
} from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject } from '@spillway/middleware/kit'
import { type VirtualClock, virtualClock } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { AdaptiveAdmission } from './adaptive-admission.ts'
import type { Admission, Lease } from './admission.ts'
import { Limiter } from './limiter.ts'
import { createRateLimit, type RateLimit } from './rate-limit.ts'

const cost = { inputTokens: 1, outputTokens: 1 }

/** An outcome as far as the load shows in it. */
function ended(failure: Partial<Failure> | undefined, firstContent?: number) {
  return { failure, timings: { startedAt: 0, firstContent, end: 10_000 } } as unknown as Outcome
}

/** Which limit is left of 100 after one call that ended so. */
function limitAfter(outcome: Outcome | undefined): number | undefined {
  const limits = new AdaptiveAdmission(new Limiter({}), { initial: 100 })
  const lease = limits.tryAcquire(cost, 0) as Lease
  lease.settle(cost, 10_000, outcome)
  return limits.headroom(10_000).concurrency?.limit
}

describe('a sign of overload', () => {
  it.each<[string, Partial<Failure>, number?]>([
    ['an overloaded upstream', { kind: 'overloaded' }],
    ['a timeout before the first content', { kind: 'timeout', phase: 'first_content' }],
    ['a saturated upstream', { kind: 'saturated', origin: 'upstream' }],
    ['overload that is told in mid-stream', { kind: 'overloaded' }, 300],
  ])('is %s', (_, failure, firstContent) => {
    expect(limitAfter(ended(failure, firstContent))).toBe(80)
  })

  it.each<[string, Partial<Failure> | undefined, number?]>([
    ['a success', undefined, 300],
    ['a cancelled call', { kind: 'cancelled' }],
    ['an error of the caller', { kind: 'invalid_request' }],
    ['a spent quota', { kind: 'rate_limited' }],
    ['a refusal of our own', { kind: 'saturated', origin: 'spillway' }],
    ['a timeout after the first content', { kind: 'timeout', phase: 'idle' }, 300],
  ])('is not %s', (_, failure, firstContent) => {
    expect(limitAfter(ended(failure, firstContent))).toBe(100)
  })

  it('is not a call of which nobody knows how it ended', () => {
    expect(limitAfter(undefined)).toBe(100)
  })
})

describe('before other limits', () => {
  it('admits only so many, and shows that', () => {
    const limits = new AdaptiveAdmission(new Limiter({ concurrency: 50, requestsPerMinute: 9 }), {
      initial: 2,
    })
    const leases = [limits.tryAcquire(cost, 0), limits.tryAcquire(cost, 0), limits.tryAcquire(cost, 0)]
    expect(leases.map((lease) => lease !== undefined)).toEqual([true, true, false])
    expect(limits.headroom(0)).toEqual({
      requestsPerMinute: { used: 2, limit: 9 },
      concurrency: { used: 2, limit: 2 },
    })
  })

  it('settles a call once and gives its place back once', () => {
    const limits = new AdaptiveAdmission(new Limiter({}), { initial: 1, max: 1 })
    const lease = limits.tryAcquire(cost, 0) as Lease
    for (const at of [1, 2, 3]) lease.settle(cost, at)
    expect(limits.inFlight).toBe(0)
    expect(limits.tryAcquire(cost, 4)).toBeDefined()
    expect(limits.tryAcquire(cost, 4)).toBeUndefined()
  })

  it('takes no place for a call that the others refuse, and wakes who waits when they have taken their time', async () => {
    const asked = Promise.withResolvers<Lease | undefined>()
    const inner: Admission = Object.assign(new Limiter({}), { tryAcquire: () => asked.promise })
    const limits = new AdaptiveAdmission(inner, { initial: 1, max: 1 })
    let released = 0
    const stop = limits.onRelease(() => released++)
    const answer = limits.tryAcquire(cost, 0)
    expect(limits.tryAcquire(cost, 0)).toBeUndefined()
    asked.resolve(undefined)
    expect(await answer).toBeUndefined()
    expect(released).toBe(1)
    expect(limits.tryAcquire(cost, 0)).toBeInstanceOf(Promise)
    stop()
  })
})

/** An upstream that serves `places` calls at a time: the others wait for their first token. */
function upstream(clock: VirtualClock, places: () => number, generationMs: () => number) {
  const waiting: (() => void)[] = []
  let busy = 0
  const serveNext = (): void => {
    while (busy < places() && waiting.length > 0) {
      busy++
      waiting.shift()?.()
    }
  }
  const handler: Handler = async (request) => {
    emit(request, 'attempt.started', { model: request.model })
    const startedAt = clock.now()
    const served = new Promise<void>((resolve) => waiting.push(resolve))
    serveNext()
    await served
    await sleep(clock, 400 + 200 * clock.random())
    const firstContent = clock.now() - startedAt
    const outcome = sleep(clock, generationMs()).then((): Outcome => {
      busy--
      serveNext()
      const timings = { startedAt, firstContent, end: clock.now() - startedAt }
      return { failure: undefined, usage: undefined, stopReason: undefined, model: 'm', timings, bytes: 1 }
    })
    return {
      status: 200,
      headers: {},
      body: bodyOf(new Uint8Array()),
      failure: undefined,
      outcome,
      target: 'x',
    }
  }
  return handler
}

const body = jsonBodyFromObject({ model: 'm', messages: [] })

function requestOn(clock: VirtualClock): ModelRequest {
  return createRequest({ api: 'anthropic', model: 'm', stream: true, url: '/v1/messages', body, clock })
}

/** Sends whenever there is room, for so many virtual milliseconds; the limit, second by second. */
async function keepBusy(
  limit: RateLimit,
  handler: Handler,
  clock: VirtualClock,
  ms: number,
): Promise<number[]> {
  const seen: number[] = []
  for (const until = clock.now() + ms; clock.now() < until; ) {
    const { used, limit: most } = limit.limiter()?.headroom(clock.now()).concurrency ?? { used: 0, limit: 0 }
    for (let call = used; call < Math.min(most, 60); call++) void handler(requestOn(clock))
    seen.push(most)
    await clock.advance(1_000)
  }
  return seen
}

const average = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value) / values.length

describe('with an upstream that slows down beyond so many calls', () => {
  it('finds 10, follows it to 30, and back', async () => {
    const clock = virtualClock()
    let places = 10
    const limit = createRateLimit({ adaptiveConcurrency: {} })
    const handler = limit.middleware(
      upstream(
        clock,
        () => places,
        () => 3_000 + 4_000 * clock.random(),
      ),
    )
    const ten = await keepBusy(limit, handler, clock, 600_000)
    places = 30
    const thirty = await keepBusy(limit, handler, clock, 600_000)
    places = 10
    const again = await keepBusy(limit, handler, clock, 600_000)
    const found = [ten, thirty, again].map((limits) => average(limits.slice(-300)))
    expect(found[0]).toBeGreaterThan(8)
    expect(found[0]).toBeLessThan(13)
    expect(found[1]).toBeGreaterThan(24)
    expect(found[1]).toBeLessThan(36)
    expect(found[2]).toBeGreaterThan(8)
    expect(found[2]).toBeLessThan(13)
  }, 30_000)

  it('does not mind answers that take long', async () => {
    const clock = virtualClock()
    let generationMs = 2_000
    const limit = createRateLimit({ adaptiveConcurrency: { initial: 20, max: 40 } })
    const handler = limit.middleware(
      upstream(
        clock,
        () => 100,
        () => generationMs,
      ),
    )
    await keepBusy(limit, handler, clock, 120_000)
    generationMs = 60_000
    const limits = await keepBusy(limit, handler, clock, 600_000)
    // Apart from the rounds that measure with half.
    expect(limits.filter((value) => value >= 38).length).toBeGreaterThan(limits.length / 3)
    expect(limits.at(-1)).toBeGreaterThanOrEqual(20)
  }, 30_000)
})

it('lets the calls wait that it does not admit', async () => {
  const clock = virtualClock()
  const limit = createRateLimit({ adaptiveConcurrency: { initial: 1, max: 1 } })
  const handler = limit.middleware(
    upstream(
      clock,
      () => 10,
      () => 1_000,
    ),
  )
  const first = handler(requestOn(clock))
  const second = handler(requestOn(clock))
  expect(limit.waiting).toBe(1)
  await clock.runUntil(first.then((response) => response.outcome))
  await expect.poll(() => limit.waiting).toBe(0)
  expect((await clock.runUntil(second)).status).toBe(200)
})

describe('what is found of the upstream', () => {
  /** The limit of 100 after a stream that got nothing. */
  async function limitAfterTimeout(ms: number, context: { isShadow?: boolean } = {}): Promise<unknown> {
    const clock = virtualClock()
    const failure: Failure = {
      ...{ kind: 'timeout', phase: 'total', message: 'late', retryable: true },
      ...{ scope: 'request', origin: 'upstream' },
    }
    const late: Handler = async (request) => {
      emit(request, 'attempt.started', { model: request.model })
      await sleep(clock, ms)
      const outcome = { ...ended(failure), timings: { startedAt: 0, end: ms } } as Outcome
      return {
        ...{ status: 504, headers: {}, body: bodyOf(new Uint8Array(1)), failure, target: undefined },
        outcome: Promise.resolve(outcome),
      }
    }
    const limit = createRateLimit({ adaptiveConcurrency: { initial: 100 } })
    const request = createRequest({
      ...{ api: 'anthropic', model: 'm', stream: true, url: '/', clock, context },
      body: jsonBodyFromObject({}),
    })
    await clock.runUntil(limit.middleware(late)(request))
    await clock.advance(0)
    return limit.limiter()?.headroom(clock.now()).concurrency?.limit
  }

  it('is not changed by a call whose own deadline left it hardly any time', async () => {
    expect(await limitAfterTimeout(50)).toBe(100)
    expect(await limitAfterTimeout(30_000)).toBe(80)
  })

  it('is not changed by a call that nobody waits for', async () => {
    expect(await limitAfterTimeout(30_000, { isShadow: true })).toBe(100)
  })
})
