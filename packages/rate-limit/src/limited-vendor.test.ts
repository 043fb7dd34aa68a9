import { attempt } from '@spillway/attempt'
import {
  hasRedis,
  limitedVendorCases,
  type OpenLimiter,
  type PrivateRedis,
  startRedis,
} from '@spillway/testing'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { rateLimit } from './rate-limit.ts'
import { redisLimitStore } from './redis-limit-store.ts'

describe('in front of a vendor that enforces limits', () => {
  const open: OpenLimiter = (limits) => ({ middleware: rateLimit(limits) })
  for (const { name, run } of limitedVendorCases(open, attempt)) it(name, run)
})

describe.skipIf(!hasRedis() && !process.env.CI)('in front of such a vendor, with limits in Redis', () => {
  let server: PrivateRedis
  let redis: Redis
  let stores = 0

  beforeAll(async () => {
    server = await startRedis()
    redis = new Redis(server.url)
    redis.setMaxListeners(0)
  })
  afterAll(async () => {
    redis.disconnect()
    await server.close()
  })

  const open: OpenLimiter = (limits, clock) => {
    const store = redisLimitStore(redis, { clock, time: 'clock', timeout: 1e9, lease: 1e9 })
    return {
      middleware: rateLimit({ ...limits, store, name: `case ${stores++}` }),
      // Redis answers in order: when it has answered this, it has answered all before, and what came of that.
      idle: async () => {
        for (let turn = 0; turn < 3; turn++) await redis.ping()
      },
    }
  }
  for (const { name, run } of limitedVendorCases(open, attempt)) it(name, run)
})
