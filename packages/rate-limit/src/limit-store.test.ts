import { hasRedis, limitStoreCases, type PrivateRedis, startRedis } from '@spillway/testing'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { memoryLimitStore } from './limit-store.ts'
import { redisLimitStore } from './redis-limit-store.ts'

describe('limits in this process', () => {
  for (const { name, run } of limitStoreCases((limits) => memoryLimitStore().open('key', limits)))
    it(name, run)
})

describe.skipIf(!hasRedis() && !process.env.CI)('limits in Redis', () => {
  let server: PrivateRedis
  let redis: Redis
  let keys = 0

  beforeAll(async () => {
    server = await startRedis()
    redis = new Redis(server.url)
    // One for each store; there is one store for each case.
    redis.setMaxListeners(0)
  })
  afterAll(async () => {
    redis.disconnect()
    await server.close()
  })

  // The clock of a case jumps while Redis answers in its own time: no timeout.
  const cases = limitStoreCases((limits, clock) =>
    redisLimitStore(redis, { clock, time: 'clock', timeout: 1e9, lease: 1e9 }).open(`key ${keys++}`, limits),
  )
  for (const { name, run } of cases) it(name, run)
})
