import { limitStoreCases } from '@spillway/testing'
import { describe, it } from 'vitest'
import { describeWithRedis } from '../test/private-redis.ts'
import { memoryLimitStore } from './limit-store.ts'
import { redisLimitStore } from './redis-limit-store.ts'

describe('limits in this process', () => {
  for (const { name, run } of limitStoreCases((limits) => memoryLimitStore().open('key', limits)))
    it(name, run)
})

describeWithRedis('limits in Redis', (redis) => {
  let keys = 0
  // The clock of a case jumps while Redis answers in its own time: no timeout.
  const cases = limitStoreCases((limits, clock) =>
    redisLimitStore(redis(), { clock, time: 'clock', timeout: 1e9, lease: 1e9 }).open(
      `key ${keys++}`,
      limits,
    ),
  )
  for (const { name, run } of cases) it(name, run)
})
