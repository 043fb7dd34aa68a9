import { hasRedis, startRedis } from '@spillway/testing'
import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  type BudgetRule,
  type Budgets,
  createBudgets,
  isBudgetRefusal,
  type RedisBudgetStore,
  type RedisBudgetStoreOptions,
  type Reservation,
  redisBudgetStore,
} from '../src/index.ts'

const rule: BudgetRule = {
  id: 'a month',
  scope: { type: 'client', name: 'ann' },
  unit: 'usd',
  period: 'month',
  amount: 1_000_000,
  hard: true,
}

const usd = (amount: number) => ({ requests: 1, tokens: 0, usd: amount })

interface Gateway {
  readonly redis: Redis
  readonly store: RedisBudgetStore
  readonly budgets: Budgets
  /** Resolves with a reservation; undefined where it was refused. */
  reserve(most: number, expected?: number): Promise<Reservation | undefined>
  used(): Promise<number>
}

function gatewayAt(url: string, options: RedisBudgetStoreOptions = {}): Gateway {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => 20,
  })
  redis.on('error', () => {})
  onTestFinished(() => redis.disconnect())
  const store = redisBudgetStore(redis, { timeout: 5_000, ...options })
  const budgets = createBudgets({ store })
  return {
    redis,
    store,
    budgets,
    async reserve(most, expected = most) {
      const decision = await budgets.reserve([rule], { most: usd(most), expected: usd(expected) })
      return isBudgetRefusal(decision) ? undefined : decision
    },
    used: async () => (await budgets.usage([rule]))[0]?.used ?? Number.NaN,
  }
}

/** Several that are connected, and have been heard of. */
async function gatewaysAt(url: string, count: number, options?: RedisBudgetStoreOptions): Promise<Gateway[]> {
  const all = Array.from({ length: count }, () => gatewayAt(url, options))
  for (const { redis } of all) await vi.waitFor(() => expect(redis.status).toBe('ready'))
  for (const round of [1, 2])
    for (const { used } of all) expect(await used()).toBeGreaterThanOrEqual(0 * round)
  return all
}

describe.skipIf(!hasRedis() && !process.env.CI)('budgets that gateways share', () => {
  it('are exact to 2 % at five times the load', async () => {
    await using server = await startRedis()
    const gateways = await gatewaysAt(server.url, 3)
    let settled = 0
    let most = 0
    const call = async ({ reserve }: Gateway): Promise<void> => {
      const reservation = await reserve(2_000, 1_000)
      if (reservation === undefined) return
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5))
      settled += 1_000
      most = Math.max(most, settled)
      await reservation.settle(usd(1_000))
    }
    // 5,000 calls of 1,000 each, from 60 callers.
    const caller = async (gateway: Gateway): Promise<void> => {
      for (let each = 0; each < 84; each++) await call(gateway)
    }
    await Promise.all(Array.from({ length: 60 }, (_, index) => caller(gateways[index % 3] as Gateway)))
    expect(await gateways[0]?.used()).toBe(settled)
    expect(settled).toBeGreaterThanOrEqual(0.98 * rule.amount)
    expect(settled).toBeLessThanOrEqual(1.02 * rule.amount)
  })

  it('go on by shares of what is left while Redis is unavailable, and know all when it is back', async () => {
    await using server = await startRedis()
    const gateways = await gatewaysAt(server.url, 3)
    let settled = 0
    const spend = async ({ reserve }: Gateway, amount: number): Promise<boolean> => {
      const reservation = await reserve(amount)
      if (reservation === undefined) return false
      settled += amount
      await reservation.settle(usd(amount))
      return true
    }
    for (const gateway of gateways) await spend(gateway, 100_000)
    for (const { used } of gateways) await used()
    const inFlight = await gateways[0]?.reserve(10_000)
    await server.stop()
    await vi.waitFor(() =>
      expect(gateways.map(({ store }) => store.status)).toEqual(['local', 'local', 'local']),
    )
    for (const gateway of gateways) {
      let count = 0
      while (await spend(gateway, 10_000)) count++
      // A third of the 700,000 that were left, less what was reserved.
      expect([22, 23]).toContain(count)
    }
    settled += 2_500
    await inFlight?.settle(usd(2_500))
    const asleep = settled
    // It has lost its data, and is told.
    await server.start()
    await vi.waitFor(
      async () => {
        expect(gateways.map(({ store }) => store.status)).toEqual(['shared', 'shared', 'shared'])
        for (const { used } of gateways) expect(await used()).toBe(asleep)
      },
      { timeout: 10_000, interval: 50 },
    )
    while (await spend(gateways[1] as Gateway, 1_000));
    expect(await gateways[2]?.used()).toBe(1_000_000 - ((1_000_000 - asleep) % 1_000))
  })

  it('charge a call once whose settlement Redis has done and not answered', async () => {
    await using server = await startRedis()
    const [gateway] = await gatewaysAt(server.url, 1, { timeout: 150 })
    if (gateway === undefined) return
    const reservation = await gateway.reserve(5_000)
    server.pause()
    // Sent, and done once Redis runs again; by then nobody waits for it.
    await reservation?.settle(usd(700))
    const local = await gateway.reserve(9_000)
    await local?.settle(usd(300))
    expect(gateway.store.status).toBe('local')
    server.resume()
    await vi.waitFor(
      async () => {
        const [status] = await gateway.budgets.usage([rule])
        expect([gateway.store.status, status?.used, status?.reserved]).toEqual(['shared', 1_000, 0])
      },
      { timeout: 10_000, interval: 50 },
    )
  })

  it('charge what a process has reserved that is gone', async () => {
    await using server = await startRedis()
    const [one, other] = await gatewaysAt(server.url, 2, { ttl: 300 })
    expect(await one?.reserve(4_000)).toBeDefined()
    one?.redis.disconnect()
    expect(await other?.used()).toBe(0)
    await vi.waitFor(async () => expect(await other?.used()).toBe(4_000), { timeout: 5_000, interval: 50 })
  })

  it('tell Redis at the end what it has not heard of, so that a restart charges no estimates', async () => {
    await using server = await startRedis()
    const [one, other] = await gatewaysAt(server.url, 2)
    const reservations = await Promise.all(Array.from({ length: 20 }, () => one?.reserve(4_000)))
    for (const reservation of reservations) void reservation?.settle(usd(10))
    await one?.store.flush()
    one?.redis.disconnect()
    const [status] = (await other?.budgets.usage([rule])) ?? []
    expect([status?.used, status?.reserved]).toEqual([200, 0])
  })

  it('know again what Redis has evicted', async () => {
    await using server = await startRedis()
    const [gateway] = await gatewaysAt(server.url, 1)
    await (await gateway?.reserve(700_000))?.settle(usd(700_000))
    const keys = (await gateway?.redis.keys('*:client:*')) ?? []
    expect(keys).toHaveLength(1)
    await gateway?.redis.del(keys)
    await (await gateway?.reserve(10))?.settle(usd(10))
    await vi.waitFor(async () => expect(await gateway?.used()).toBe(700_010))
  })

  it('leave nothing in Redis for good', async () => {
    await using server = await startRedis()
    const [gateway] = await gatewaysAt(server.url, 1)
    await (await gateway?.reserve(10))?.settle(usd(5))
    await gateway?.reserve(10)
    const keys = (await gateway?.redis.keys('*')) ?? []
    expect(keys).toHaveLength(4)
    for (const key of keys) expect(await gateway?.redis.pttl(key)).toBeGreaterThan(0)
  })
})
