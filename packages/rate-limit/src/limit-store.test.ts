import { limitStoreCases, virtualClock } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
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

  it('count for half a second more than a minute, since calls arrive later than they are admitted', async () => {
    const clock = virtualClock()
    const store = redisLimitStore(redis(), { clock, time: 'clock', timeout: 1e9, lease: 1e9 })
    const [one, other] = [1, 2].map(() => store.open('late', { requestsPerMinute: 1 }))
    const call = { inputTokens: 1, outputTokens: 1 }
    expect(await one?.tryAcquire(call, clock.now())).toBeDefined()
    await clock.advance(60_400)
    expect(await other?.tryAcquire(call, clock.now())).toBeUndefined()
    await clock.advance(300)
    expect(await other?.tryAcquire(call, clock.now())).toBeDefined()
  })
})
