import { createRequest, emit, type Handler } from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject } from '@spillway/middleware/kit'
import { hasRedis, startRedis, type VirtualClock, virtualClock } from '@spillway/testing'
import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createRateLimit } from './rate-limit.ts'
import { type RedisClient, type RedisLimitStore, redisLimitStore } from './redis-limit-store.ts'

const limit = 100
const processes = 4
const body = jsonBodyFromObject({ model: 'm', messages: [] })

/** One of several processes, with its own connection. */
interface Process {
  readonly redis: Redis
  readonly store: RedisLimitStore
  readonly handler: Handler
  readonly refused: string[]
  /** Questions that Redis has not answered. */
  readonly asked: () => number
}

interface Cluster {
  readonly processes: readonly Process[]
  /** When calls were admitted, in milliseconds of the virtual clock. */
  readonly admitted: readonly number[]
  /** Offers calls at five times the limit for so long; Redis answers before time goes on. */
  work(ms: number): Promise<void>
}

function oneOf(clock: VirtualClock, url: string, admitted: number[], recovery: number): Process {
  // The test says when it connects again.
  const redis = new Redis(url, { retryStrategy: () => null, maxRetriesPerRequest: 0, lazyConnect: true })
  redis.on('error', () => {})
  onTestFinished(() => redis.disconnect())
  let asked = 0
  const counting = <T>(answer: Promise<T>): Promise<T> => {
    asked++
    return answer.finally(() => asked--)
  }
  const client: RedisClient = {
    evalsha: (...args) => counting(redis.evalsha(...args)),
    eval: (...args) => counting(redis.eval(...args)),
    on: (event, listener) => redis.on(event, listener),
  }
  // The clock stands still while Redis answers.
  const store = redisLimitStore(client, { clock, time: 'clock', timeout: 1e9, recovery })
  const { middleware } = createRateLimit({ requestsPerMinute: limit, store, maxWait: 30_000 })
  const handler = middleware(async (request) => {
    emit(request, 'attempt.started', { model: request.model })
    admitted.push(clock.now())
    const timings = { startedAt: clock.now(), end: clock.now() }
    const outcome = { failure: undefined, usage: undefined, stopReason: undefined, model: request.model }
    return {
      ...{ status: 200, headers: {}, body: bodyOf(new Uint8Array()), failure: undefined, target: 'x' },
      outcome: Promise.resolve({ ...outcome, timings, bytes: 0 }),
    }
  })
  return { redis, store, handler, refused: [], asked: () => asked }
}

async function cluster(url: string, recovery = 5_000): Promise<Cluster> {
  const clock = virtualClock({ maxTimers: Infinity })
  const admitted: number[] = []
  const all = Array.from({ length: processes }, () => oneOf(clock, url, admitted, recovery))
  for (const { redis } of all) await redis.connect()
  const answered = async (): Promise<void> => {
    do await new Promise((resolve) => setImmediate(resolve))
    while (all.some(({ asked }) => asked() > 0))
  }
  const offer = ({ handler, refused }: Process): void => {
    const request = { api: 'anthropic', model: 'm', stream: false, url: '/v1/messages', body, clock } as const
    handler(createRequest(request)).then(({ failure }) => failure && refused.push(failure.kind))
  }
  const every = (processes * 60_000) / (5 * limit)
  return {
    processes: all,
    admitted,
    async work(ms) {
      for (let step = 0; step < ms / every; step++) {
        for (const one of all) offer(one)
        await answered()
        await clock.advance(every)
        await answered()
      }
    },
  }
}

/** The most admissions within a minute, wherever it begins. */
function mostInAMinute(times: readonly number[]): number {
  let most = 0
  for (let first = 0, last = 0; last < times.length; last++) {
    while ((times[last] as number) - (times[first] as number) >= 60_000) first++
    most = Math.max(most, last - first + 1)
  }
  return most
}

const kinds = ({ processes: all }: Cluster): Set<string> => new Set(all.flatMap(({ refused }) => refused))

describe.skipIf(!hasRedis() && !process.env.CI)('four processes under five times their limit', () => {
  it('hold it within 2 % while Redis is there, is away, and is back without its data', async () => {
    const server = await startRedis()
    onTestFinished(() => server.close())
    const shared = await cluster(server.url)
    const { admitted, work } = shared
    // All of the limit is spent in the first seconds of each minute: of the second without Redis, of the fourth with it again.
    await work(40_000)
    await server.stop()
    for (const { store } of shared.processes) await vi.waitFor(() => expect(store.status).toBe('local'))
    await work(90_000)
    await server.start()
    // They are back one after another, all within the recovery.
    for (const { redis, store } of shared.processes) {
      await redis.connect()
      expect(store.status).toBe('shared')
      await work(1_000)
    }
    await work(66_000)
    expect(mostInAMinute(admitted)).toBeLessThanOrEqual(1.02 * limit)
    for (const minute of [0, 1, 2]) {
      const inMinute = admitted.filter((at) => at >= minute * 60_000 && at < (minute + 1) * 60_000)
      expect(inMinute.length, `minute ${minute}`).toBeGreaterThanOrEqual(0.98 * limit)
    }
    expect(kinds(shared)).toEqual(new Set(['saturated']))
  }, 60_000)
})
