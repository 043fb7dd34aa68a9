import { getEventListeners } from 'node:events'
import { createRequest, type Handler, systemClock } from '@spillway/middleware'
import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { hasRedis, type PrivateRedis, startRedis, virtualClock } from '@spillway/testing'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Lease } from './admission.ts'
import { limitScript } from './limit-script.ts'
import { createRateLimit } from './rate-limit.ts'
import { type RedisClient, redisLimitStore } from './redis-limit-store.ts'
import { WaitQueue } from './wait-queue.ts'

const cost = { inputTokens: 10, outputTokens: 0 }
const ok = {
  ...{ status: 'ok', epoch: 'e', now: 1_000, wait: 0, members: 1, inFlight: 1 },
  ...{ amounts: [1], totals: [1], limits: [100] },
}

interface Asked {
  readonly operation: string
  readonly keys: readonly string[]
  readonly args: Record<string, unknown>
  answer(changes?: object): void
  fail(error: Error): void
}

/** A client whose answers the test gives. */
function scriptedRedis() {
  const asked: Asked[] = []
  const listeners = new Map<string, () => void>()
  const evaluate = (_: string, count: number, ...rest: string[]): Promise<unknown> => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    asked.push({
      operation: rest[count] as string,
      keys: rest.slice(0, count),
      args: JSON.parse(rest[count + 1] as string),
      answer: (changes = {}) => resolve(JSON.stringify({ ...ok, ...changes })),
      fail: reject,
    })
    return promise
  }
  const redis = {
    evalsha: vi.fn(evaluate),
    eval: vi.fn(evaluate),
    on: (event: string, listener: () => void) => void listeners.set(event, listener),
  } satisfies RedisClient
  return {
    redis,
    asked,
    last: (): Asked => asked.at(-1) as Asked,
    emit: (event: string) => listeners.get(event)?.(),
  }
}

function open(limits = { requestsPerMinute: 100 }) {
  const clock = virtualClock()
  const script = scriptedRedis()
  const store = redisLimitStore(script.redis, { clock, timeout: 100, lease: 9_000 })
  return { ...script, clock, store, limits: store.open('key', limits) }
}

/** Lets promise chains go on that wait for nothing else. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('an admission', () => {
  it('is one round trip with keys of one hash tag', async () => {
    const { limits, asked, last } = open()
    const answer = limits.tryAcquire(cost, 0)
    last().answer()
    expect(await answer).toHaveProperty('settle')
    expect(asked).toHaveLength(1)
    expect(new Set(last().keys.map((key) => /\{(.*?)\}/.exec(key)?.[1]))).toEqual(new Set(['key']))
    expect(new Set(last().keys).size).toBe(4)
  })

  it('sends the script where Redis does not know it', async () => {
    const { limits, last, redis } = open()
    const answer = limits.tryAcquire(cost, 0)
    last().fail(new Error('NOSCRIPT No matching script. Please use EVAL.'))
    await settled()
    expect(redis.eval).toHaveBeenCalledOnce()
    expect(redis.eval.mock.calls[0]?.[0]).toBe(limitScript)
    last().answer()
    expect(await answer).toBeDefined()
  })
})

describe('when Redis is slow', () => {
  it('one call waits for the timeout, and the next are admitted at once', async () => {
    const { limits, clock, asked, store } = open()
    const first = limits.tryAcquire(cost, 0)
    expect(await clock.runUntil(first as Promise<Lease>)).toBeDefined()
    expect(clock.now()).toBe(100)
    expect(store.status).toBe('local')
    const next = Array.from({ length: 20 }, () => limits.tryAcquire(cost, clock.now()))
    expect(next.every((lease) => lease !== undefined && !(lease instanceof Promise))).toBe(true)
    expect(asked).toHaveLength(1)
  })

  it('somebody tries again now and then, one at a time', async () => {
    const { limits, clock, asked } = open()
    await clock.runUntil(limits.tryAcquire(cost, 0) as Promise<Lease>)
    for (let step = 0; step < 40; step++) {
      await clock.advance(50)
      limits.tryAcquire(cost, clock.now())
    }
    // Two seconds, a try each 200 ms.
    expect(asked.length).toBeGreaterThan(5)
    expect(asked.length).toBeLessThan(13)
  })

  it('an admission that comes after the timeout is given back', async () => {
    const { limits, clock, asked, last } = open()
    const answer = limits.tryAcquire(cost, 0)
    const id = last().args.lease
    await clock.runUntil(answer as Promise<Lease>)
    last().answer()
    await settled()
    expect(last().operation).toBe('settle')
    expect(last().args.settled).toMatchObject([{ lease: id, at: 1_000, changes: [-1] }])
    expect(asked).toHaveLength(2)
  })

  it('tells the status when it changes', async () => {
    const { clock, limits, store, emit } = open()
    const seen: string[] = []
    const stop = store.onStatus((status) => seen.push(status))
    await clock.runUntil(limits.tryAcquire(cost, 0) as Promise<Lease>)
    emit('ready')
    emit('ready')
    emit('close')
    stop()
    emit('ready')
    expect(seen).toEqual(['local', 'shared', 'local'])
  })
})

describe('two limiters of a key in one process', () => {
  it('give their leases different names: one of them may replace the other while calls are in flight', async () => {
    const { store, limits, asked } = open()
    const next = store.open('key', { requestsPerMinute: 100 })
    for (const each of [limits, next, limits, next]) each.tryAcquire(cost, 0)
    expect(new Set(asked.map(({ args }) => args.lease)).size).toBe(4)
  })

  it('when one is closed, it tells Redis what it has spent alone as soon as that is back, and nothing after', async () => {
    const { limits, clock, asked, emit, last } = open()
    emit('close')
    const lease = limits.tryAcquire(cost, clock.now()) as Lease
    lease.settle(cost, clock.now())
    limits.close()
    emit('ready')
    expect(last()).toMatchObject({ operation: 'settle', args: { spent: [[[expect.any(Number), 1]]] } })
    last().answer()
    await settled()
    const count = asked.length
    emit('close')
    emit('ready')
    expect(asked).toHaveLength(count)
  })
})

describe('the heartbeat', () => {
  it('renews leases while there are any, and ends with the last', async () => {
    const { limits, clock, last, asked } = open()
    const answer = limits.tryAcquire(cost, 0)
    const id = last().args.lease
    last().answer()
    const lease = (await answer) as Lease
    await clock.advance(3_001)
    expect(last()).toMatchObject({ operation: 'renew', args: { held: [id], leaseMs: 9_000 } })
    last().answer()
    await settled()
    lease.settle(cost, clock.now())
    last().answer()
    await settled()
    const before = asked.length
    expect(clock.pending).toBe(0)
    await clock.advance(60_000)
    expect(asked).toHaveLength(before)
  })

  it('ends when the limits are closed', async () => {
    const { limits, clock, last } = open()
    const answer = limits.tryAcquire(cost, 0)
    last().answer()
    await answer
    limits.close()
    expect(clock.pending).toBe(0)
  })
})

describe('a caller who leaves', () => {
  const body = jsonBodyFromObject({ model: 'm', messages: [] })

  it('while Redis is asked gives the lease back', async () => {
    const { store, clock, asked, last } = open()
    const next = vi.fn<Handler>()
    const limit = createRateLimit({ requestsPerMinute: 100, store })
    const caller = new AbortController()
    const request = createRequest({
      ...{ api: 'anthropic', model: 'm', stream: false, url: '/', body, clock },
      signal: caller.signal,
    })
    const answer = limit.middleware(next)(request)
    const { args, answer: admit } = last()
    caller.abort(new Error('gone'))
    admit()
    await expect(answer).rejects.toThrow('gone')
    await settled()
    expect(last().args.settled).toEqual([{ lease: args.lease, at: 1_000, changes: [-1] }])
    expect(asked).toHaveLength(2)
    expect(next).not.toHaveBeenCalled()
  })

  it('while Redis is asked for it in the waiting room gives the lease back, too', async () => {
    const { limits, last, asked } = open()
    const room = new WaitQueue(limits, { maxQueued: 10, ageing: 1_000 })
    const caller = new AbortController()
    const turn = room.enter({ cost, priority: 5, patience: 1e6, clock: systemClock, signal: caller.signal })
    await vi.waitFor(() => expect(asked).toHaveLength(1))
    const { args, answer } = last()
    caller.abort(new Error('gone'))
    await expect(turn).rejects.toThrow('gone')
    answer()
    await settled()
    expect(last()).toMatchObject({ operation: 'settle', args: { settled: [{ lease: args.lease }] } })
    expect([room.size, getEventListeners(caller.signal, 'abort').length]).toEqual([0, 0])
  })
})

describe.skipIf(!hasRedis() && !process.env.CI)('with a real Redis', () => {
  let server: PrivateRedis
  const clients: Redis[] = []
  const connect = (): Redis => {
    const client = new Redis(server.url, { enableOfflineQueue: true })
    client.on('error', () => {})
    clients.push(client)
    return client
  }

  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(async () => {
    for (const client of clients) client.disconnect()
    await server.close()
  })

  it('two processes share the limits of a key, and no others', async () => {
    const [one, other] = [connect(), connect()].map((redis) => redisLimitStore(redis))
    const limits = { concurrency: 2, inputTokensPerMinute: 1_000 }
    const first = one?.open('shared', limits)
    const second = other?.open('shared', limits)
    const lease = await first?.tryAcquire(cost, systemClock.now())
    const answers = [second, first, other?.open('another', limits)].map((it) =>
      it?.tryAcquire(cost, systemClock.now()),
    )
    const leases = await Promise.all(answers)
    // Whose question Redis reads first is up to the network.
    const [ofSecond, ofFirst, ofAnother] = leases
    expect([ofSecond, ofFirst].filter((it) => it !== undefined)).toHaveLength(1)
    expect(ofAnother).toBeDefined()
    lease?.settle(cost, systemClock.now())
    await vi.waitFor(async () => {
      const next = await second?.tryAcquire(cost, systemClock.now())
      expect(next).toBeDefined()
      leases.push(next)
    })
    for (const it of leases) it?.settle(cost, systemClock.now())
  })

  it.each(['1827000000000000', '1e308'])(
    'opens ten minutes after it has found a closure that an older version left behind: until %s',
    async (closed) => {
      const redis = connect()
      const clock = virtualClock()
      const store = redisLimitStore(redis, { clock, time: 'clock', timeout: 1e9, lease: 1e9 })
      const limits = store.open(`closed until ${closed}`, { requestsPerMinute: 10 })
      await redis.hset(`spillway:limit:{closed until ${closed}}:facts`, 'closed', closed)
      const isAdmitted = async () => (await limits.tryAcquire(cost, clock.now())) !== undefined
      expect(await isAdmitted()).toBe(false)
      await clock.advance(599_000)
      expect(await isAdmitted()).toBe(false)
      await clock.advance(1_001)
      expect(await isAdmitted()).toBe(true)
    },
  )

  it.each([
    [30_000, 30_000],
    [Infinity, 1e12],
  ])('is closed for the configured maximum of %d ms at most', async (maxRetryAfter, longest) => {
    const redis = connect()
    const clock = virtualClock()
    const store = redisLimitStore(redis, { clock, time: 'clock', timeout: 1e9, lease: 1e9 })
    const key = `closed for ${maxRetryAfter}`
    const [one, other] = [store, store].map((each) =>
      each.open(key, { requestsPerMinute: 10 }, { maxRetryAfter }),
    )
    one?.closeUntil(Infinity, clock.now())
    expect(await other?.tryAcquire(cost, clock.now())).toBeUndefined()
    expect(store.status).toBe('shared')
    expect(other?.timeUntil(cost, clock.now())).toBe(longest)
    expect(other?.groups(clock.now())).toMatchObject([{ group: '', closedMs: longest }])
    await clock.advance(longest + 1)
    expect(await other?.tryAcquire(cost, clock.now())).toBeDefined()
  })

  it('a Redis that hangs costs one timeout; what it admits too late, it gets back', {
    retry: 2,
  }, async () => {
    const redis = connect()
    const store = redisLimitStore(redis, { timeout: 100 })
    const limits = store.open('slow', { concurrency: 5 })
    await (await limits.tryAcquire(cost, systemClock.now()))?.settle(cost, systemClock.now())
    // A slow machine may have taken longer than the timeout already.
    await vi.waitFor(() => expect(store.status).toBe('shared'), 5_000)
    server.pause()
    const begun = performance.now()
    const leases = [await limits.tryAcquire(cost, systemClock.now())]
    const first = performance.now() - begun
    leases.push(await limits.tryAcquire(cost, systemClock.now()))
    const second = performance.now() - begun - first
    server.resume()
    expect(first).toBeGreaterThan(95)
    expect(first).toBeLessThan(250)
    expect(second).toBeLessThan(50)
    for (const lease of leases) lease?.settle(cost, systemClock.now())
    await vi.waitFor(async () => {
      expect(store.status).toBe('shared')
      expect(await redis.zcard('spillway:limit:{slow}:leases')).toBe(0)
    })
  })

  it('1,000 calls wait and 500 leave: the others pass, and Redis holds no place of anybody', async () => {
    const redis = connect()
    const limits = redisLimitStore(redis).open('waiting', { concurrency: 4 })
    const room = new WaitQueue(limits, { maxQueued: 1_000, ageing: 1e9 })
    const callers = Array.from({ length: 1_000 }, () => new AbortController())
    let passed = 0
    const calls = callers.map(async ({ signal }, number) => {
      const lease = await room.enter({
        cost,
        priority: number % 10,
        patience: 1e6,
        clock: systemClock,
        signal,
      })
      passed++
      if ('settle' in lease) lease.settle(cost, systemClock.now())
    })
    for (const caller of callers.slice(0, 500)) caller.abort(new Error('gone'))
    const results = await Promise.allSettled(calls)
    expect([passed, results.filter(({ status }) => status === 'rejected').length]).toEqual([500, 500])
    expect([room.size, limits.inFlight]).toEqual([0, 0])
    await vi.waitFor(async () => expect(await redis.zcard('spillway:limit:{waiting}:leases')).toBe(0))
  }, 30_000)
})
