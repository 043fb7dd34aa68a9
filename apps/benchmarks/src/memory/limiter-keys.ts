import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { redisLimitStore } from '@spillway/rate-limit'
import { hasRedis, startRedis } from '@spillway/testing'
import { Redis } from 'ioredis'
import type { Figure } from './figure.ts'

const limits = {
  ...{ requestsPerMinute: 1_000, inputTokensPerMinute: 1_000_000, outputTokensPerMinute: 100_000 },
  concurrency: 50,
}
const cost = { inputTokens: 100, outputTokens: 50, group: 'claude-opus-5' }

/** Measures what a key holds in this process and in a redis-server, after one call, with all four limits. */
export async function measureLimiterKeys(keys: number): Promise<Figure[]> {
  if (!hasRedis()) throw new Error('redis-server is not installed; on Debian: apt-get install redis-server')
  await using server = await startRedis()
  const redis = new Redis(server.url)
  try {
    const store = redisLimitStore(redis, { timeout: 60_000 })
    const call = async (key: string) => {
      const limiter = store.open(key, limits)
      const lease = await limiter.tryAcquire(cost, performance.now())
      if (lease === undefined) throw new Error(`${key} was not admitted`)
      lease.settle({ inputTokens: 90, outputTokens: 70 }, performance.now())
      return limiter
    }
    await Promise.all(Array.from({ length: 500 }, (_, key) => call(`warm-${key}`)))
    const there = await usedMemory(redis)
    const here = held()
    const limiters = new Set<object>()
    for (let key = 0; key < keys; key += 100)
      for (const limiter of await Promise.all(
        Array.from({ length: Math.min(100, keys - key) }, (_, index) => call(`key-${key + index}`)),
      ))
        limiters.add(limiter)
    // What has been settled is on its way.
    await redis.ping()
    const [inRedis, inProcess] = [(await usedMemory(redis)) - there, held() - here]
    return [
      {
        name: 'a key over Redis, in the process',
        value: inProcess / limiters.size / 1e3,
        unit: 'kB',
        below: 4,
      },
      { name: 'a key over Redis, in Redis', value: inRedis / limiters.size / 1e3, unit: 'kB', below: 4 },
    ]
  } finally {
    redis.disconnect()
  }
}

async function usedMemory(redis: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
}

/** Bytes of this process that a full collection leaves. */
function held(): number {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
