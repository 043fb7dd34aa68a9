import { attempt } from '@spillway/attempt'
import { limitedVendorCases, type OpenLimiter } from '@spillway/testing'
import { describe, it } from 'vitest'
import { describeWithRedis } from '../test/private-redis.ts'
import { rateLimit } from './rate-limit.ts'
import { redisLimitStore } from './redis-limit-store.ts'

describe('in front of a vendor that enforces limits', () => {
  const open: OpenLimiter = (limits) => ({ middleware: rateLimit(limits) })
  for (const { name, run } of limitedVendorCases(open, attempt)) it(name, run)
})

describeWithRedis('in front of such a vendor, with limits in Redis', (redis) => {
  let stores = 0
  const open: OpenLimiter = (limits, clock) => {
    const store = redisLimitStore(redis(), { clock, time: 'clock', timeout: 1e9, lease: 1e9 })
    return {
      middleware: rateLimit({ ...limits, store, name: `case ${stores++}` }),
      // Redis answers in order: when it has answered this, it has answered all before, and what came of that.
      idle: async () => {
        for (let turn = 0; turn < 3; turn++) await redis().ping()
      },
    }
  }
  for (const { name, run } of limitedVendorCases(open, attempt)) it(name, run)
})
