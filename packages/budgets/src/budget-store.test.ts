import { budgetStoreCases } from '@spillway/testing'
import { describe, it } from 'vitest'
import { describeWithRedis } from '../test/private-redis.ts'
import { memoryBudgetStore } from './memory-store.ts'
import { redisBudgetStore } from './redis-store.ts'

describe('budgets in this process', () => {
  for (const { name, run } of budgetStoreCases((clock, ttl) => memoryBudgetStore({ clock, ttl })))
    it(name, run)
})

describeWithRedis('budgets in Redis', (redis) => {
  let prefixes = 0
  // The clock of a case jumps while Redis answers in its own time: no timeout.
  const cases = budgetStoreCases((clock, ttl) =>
    redisBudgetStore(redis(), { clock, ttl, time: 'clock', timeout: 1e12, prefix: `case ${prefixes++}:` }),
  )
  for (const { name, run } of cases) it(name, run)
})
