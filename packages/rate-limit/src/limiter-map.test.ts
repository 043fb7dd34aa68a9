import { createRequest, emit, type Handler, type Outcome } from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject } from '@spillway/middleware/kit'
import { type VirtualClock, virtualClock } from '@spillway/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Lease } from './admission.ts'
import { Limiter } from './limiter.ts'
import { LimiterMap } from './limiter-map.ts'
import { createRateLimit, type RateLimit, type RateLimitOptions } from './rate-limit.ts'
import { WaitQueue } from './wait-queue.ts'

let clock: VirtualClock
beforeEach(() => {
  clock = virtualClock()
})

const outcome: Outcome = {
  failure: undefined,
  usage: undefined,
  stopReason: 'end_turn',
  model: undefined,
  timings: { startedAt: 0, end: 1 },
  bytes: 1,
}

/** Calls of tenants: each is answered at once, or when `end` is called. */
function tenants(options: RateLimitOptions) {
  let ended = Promise.resolve(outcome)
  const answer: Handler = async (request) => {
    emit(request, 'attempt.started', { model: request.model })
    return {
      status: 200,
      headers: {},
      body: bodyOf(new Uint8Array(1)),
      failure: undefined,
      outcome: ended,
      target: undefined,
    }
  }
  const limit = createRateLimit({ maxWait: 0, key: ({ context }) => context.tenant ?? '', ...options })
  const handler = limit.middleware(answer)
  const body = jsonBodyFromObject({ messages: [] })
  const ask = async (tenant: string): Promise<boolean> => {
    const context = { tenant }
    const request = createRequest({
      ...{ api: 'anthropic', model: 'm', stream: false, url: '/', clock },
      ...{ body, context },
    })
    return (await handler(request)).failure === undefined
  }
  return {
    limit,
    ask,
    hold() {
      const held = Promise.withResolvers<Outcome>()
      ended = held.promise
      return async () => {
        ended = Promise.resolve(outcome)
        held.resolve(outcome)
        await new Promise(setImmediate)
      }
    },
  }
}

const kept = (limit: RateLimit, names: readonly string[]): string[] =>
  names.filter((name) => limit.limiter(name) !== undefined)

const named = (count: number): string[] => Array.from({ length: count }, (_, index) => `tenant-${index}`)

describe('however many keys there are', () => {
  it('each is limited, where 10,001 take turns', async () => {
    const { ask } = tenants({ requestsPerMinute: 2 })
    let admitted = 0
    for (let round = 0; round < 4; round++) {
      for (const tenant of named(10_001)) if (await ask(tenant)) admitted++
      await clock.advance(1_000)
    }
    expect(admitted).toBe(2 * 10_001)
  })

  it('nearly all are limited beyond maxKeys too, where more take turns than are kept', async () => {
    const { ask } = tenants({ requestsPerMinute: 2, maxKeys: 100 })
    let admitted = 0
    for (let round = 0; round < 50; round++) {
      for (const tenant of named(102)) if (await ask(tenant)) admitted++
      await clock.advance(100)
    }
    // Without limits it would be 5,100; with them 204.
    expect(admitted).toBeLessThan(1_000)
  })

  it('one that has used its limit is kept beyond maxKeys, whatever number of others is made up', async () => {
    const { ask } = tenants({ requestsPerMinute: 3, maxKeys: 50 })
    for (let call = 0; call < 3; call++) expect(await ask('heavy')).toBe(true)
    for (const tenant of named(5_000)) await ask(tenant)
    expect(await ask('heavy')).toBe(false)
  })
})

describe('a key is let go of', () => {
  it('when its windows are empty, as others call', async () => {
    const { ask, limit } = tenants({ requestsPerMinute: 10, inputTokensPerMinute: 100_000 })
    const old = named(2_000)
    for (const tenant of old) await ask(tenant)
    await clock.advance(59_000)
    for (let call = 0; call < 100; call++) await ask(`young-${call}`)
    expect(kept(limit, old)).toHaveLength(2_000)
    await clock.advance(2_000)
    for (let call = 0; call < 100; call++) await ask('one')
    expect(kept(limit, old)).toHaveLength(0)
    expect(kept(limit, ['young-1', 'young-99'])).toHaveLength(2)
  })

  it('but not while a call is in flight, while one waits, or while the vendor has closed it', async () => {
    const { ask, limit, hold } = tenants({ concurrency: 1, maxWait: 600_000 })
    const end = hold()
    await ask('long')
    await ask('busy')
    const waits = ask('busy')
    await ask('closed')
    limit.limiter('closed')?.closeUntil(clock.now() + 500_000, clock.now())
    expect(limit.waiting).toBe(1)
    await clock.advance(300_000)
    for (let call = 0; call < 500; call++) await ask(`other-${call}`)
    expect(kept(limit, ['long', 'busy', 'closed'])).toEqual(['long', 'busy', 'closed'])
    await end()
    expect(await waits).toBe(true)
    expect(limit.waiting).toBe(0)
    await clock.advance(300_000)
    for (let call = 0; call < 500; call++) await ask('one')
    expect(kept(limit, ['long', 'busy', 'closed', 'other-7'])).toEqual([])
  })

  it('with an adaptive limit when what was found of it is old', async () => {
    const { ask, limit } = tenants({ adaptiveConcurrency: { measureEvery: 30_000 } })
    await ask('old')
    await clock.advance(20_000)
    for (let call = 0; call < 100; call++) await ask('one')
    expect(kept(limit, ['old'])).toEqual(['old'])
    await clock.advance(20_000)
    for (let call = 0; call < 100; call++) await ask('one')
    expect(kept(limit, ['old'])).toEqual([])
  })
})

describe('beyond maxKeys', () => {
  const mapOf = (maxKeys: number) => {
    const limits = { requestsPerMinute: 10 }
    const queue = (limiter: Limiter) => new WaitQueue(limiter, { maxQueued: 1, ageing: 1 })
    return new LimiterMap({ limiter: () => new Limiter(limits), queue: queue as never }, maxKeys)
  }
  const cost = { inputTokens: 1, outputTokens: 1 }

  it('no key that is in use is forgotten', () => {
    const map = mapOf(3)
    for (const key of named(20)) map.at(key, clock).limiter.tryAcquire(cost, clock.now())
    expect(map.size).toBe(20)
    expect([...map].every(({ key }) => map.find(key) !== undefined)).toBe(true)
  })

  it('there are never more keys than that otherwise', () => {
    const map = mapOf(3)
    for (const key of named(1_000)) {
      const lease = map.at(key, clock).limiter.tryAcquire(cost, clock.now()) as Lease
      lease.settle(cost, clock.now())
    }
    expect(map.size).toBe(3)
    for (const { key, place } of map) expect([...map][place]?.key).toBe(key)
  })

  it('nothing at all may be kept', () => {
    const map = mapOf(0)
    for (const key of named(10)) map.at(key, clock)
    expect(map.size).toBe(1)
  })
})
