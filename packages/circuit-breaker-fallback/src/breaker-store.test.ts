import { breakerStoreCases, virtualClock } from '@spillway/testing'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Bench, bench, model } from '../test/breaker-bench.ts'
import { hasRedis, type PrivateRedis, startRedis } from '../test/private-redis.ts'
import { type BreakerStore, memoryBreakerStore } from './breaker-store.ts'
import { redisBreakerStore } from './redis-breaker-store.ts'

const opening = { name: 'eu', key: 'm', openForMs: 5_000, from: 'a' }
const quick = { minimumCalls: 4, halfOpenProbes: 2, openFor: 10_000 }

/** `stores()` makes what two processes have: two stores that know the same. */
function conformance(stores: () => readonly [BreakerStore, BreakerStore]): void {
  for (const { name, run } of breakerStoreCases(stores)) it(name, run)

  describe('between two breakers', () => {
    const pair = async (name: string): Promise<[Bench, Bench]> => {
      const [one, other] = stores()
      await connected(one, other)
      const made: [Bench, Bench] = [
        bench({ ...quick, name, shared: one }),
        bench({ ...quick, name, shared: other }),
      ]
      onTestFinished(() => {
        for (const { breaker } of made) breaker.close()
      })
      return made
    }

    it('opens the other for the same time; each is tested by its own', async () => {
      const [here, there] = await pair('pair')
      await there.run()
      await opened(here, there)
      expect(there.changes).toEqual([
        { key: model, scope: 'model', from: 'closed', to: 'open', reason: 'shared' },
      ])
      expect((await there.send().response).failure).toMatchObject({
        kind: 'circuit_open',
        retryAfterMs: 10_000,
      })
      await there.clock.advance(10_000)
      await there.succeed(2)
      expect([there.state().state, here.state().state]).toEqual(['closed', 'open'])
    })

    it('opens one that comes later', async () => {
      const name = 'late'
      const [one, other] = stores()
      const here = bench({ ...quick, name, shared: one })
      await here.fail(4)
      await vi.waitFor(async () => expect(await other.remaining(name, model)).toBeGreaterThan(0))
      const late = bench({ ...quick, name, shared: other })
      await late.run()
      await vi.waitFor(() => expect(late.state()).toMatchObject({ state: 'open' }))
    })

    it('leaves other endpoints, what is forced, and a breaker that is closed', async () => {
      const [here, there] = await pair('left')
      const [, elsewhere] = await pair('elsewhere')
      const [, forced] = await pair('left')
      const [, gone] = await pair('left')
      for (const { run } of [there, elsewhere, forced, gone]) await run()
      forced.breaker.forceClosed(model)
      gone.breaker.close()
      await opened(here, there)
      expect([elsewhere, forced, gone].map(({ state }) => state().state)).toEqual([
        'closed',
        'closed',
        'closed',
      ])
    })

    it('does not tell what somebody has forced', async () => {
      const [here, there] = await pair('hand')
      here.breaker.forceOpen('by hand')
      await opened(here, there)
      expect(there.breaker.states().map(({ key }) => key)).toEqual(['*', model])
    })
  })
}

/** Both hear each other: what is told before a store listens is not heard. */
async function connected(one: BreakerStore, other: BreakerStore): Promise<void> {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    const heard = vi.fn()
    const stop = to.subscribe(heard)
    await vi.waitFor(async () => {
      await from.open({ ...opening, name: 'connected' })
      expect(heard).toHaveBeenCalled()
    })
    stop()
  }
}

/** Opens `here`, and waits until `there` has heard of it. */
async function opened(here: Bench, there: Bench): Promise<void> {
  await here.fail(4)
  await vi.waitFor(() => expect(there.state().state).toBe('open'))
}

describe('in memory', () => {
  conformance(() => {
    const store = memoryBreakerStore()
    return [store, store]
  })

  it('goes by the clock that it is given', async () => {
    const clock = virtualClock()
    const store = memoryBreakerStore({ clock })
    await store.open(opening)
    await clock.advance(4_999)
    expect(await store.remaining('eu', 'm')).toBe(1)
    await clock.advance(1)
    expect(await store.remaining('eu', 'm')).toBe(0)
  })
})

describe.skipIf(!hasRedis())('in Redis', () => {
  let server: PrivateRedis
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())

  const connect = (path = server.path): Redis => {
    const redis = new Redis(path, { maxRetriesPerRequest: 1 })
    redis.on('error', () => {})
    onTestFinished(() => redis.disconnect())
    return redis
  }
  const storeOn = (redis: Redis, onError?: (error: unknown) => void): BreakerStore => {
    const store = redisBreakerStore(redis, { prefix: 'test', ...(onError && { onError }) })
    onTestFinished(() => store.close())
    return store
  }

  conformance(() => [storeOn(connect()), storeOn(connect())])

  it('leaves keys that go away by themselves, and nothing without an end', async () => {
    const redis = connect()
    await storeOn(redis).open(opening)
    expect(await redis.pttl('test:open:eu:m')).toBeGreaterThan(0)
    for (const key of await redis.keys('*')) expect(await redis.pttl(key)).toBeGreaterThan(0)
  })

  it('leaves messages alone that are no openings', async () => {
    const redis = connect()
    const heard: unknown[] = []
    const store = storeOn(connect())
    store.subscribe((each) => heard.push(each))
    await vi.waitFor(async () => {
      for (const message of ['', 'null', '{}', '[1]', '{"name":"a","key":"b","from":"c","openForMs":-1}'])
        await redis.publish('test:openings', message)
      await store.open(opening)
      expect(heard.length).toBeGreaterThan(0)
    })
    expect(new Set(heard.map((each) => JSON.stringify(each))).size).toBe(1)
  })

  it('fails no call and keeps none waiting when it goes away', { retry: 2 }, async () => {
    const own = await startRedis()
    onTestFinished(() => own.stop())
    const errors: unknown[] = []
    const redis = connect(own.path)
    const made = bench({ ...quick, shared: storeOn(redis, (error) => errors.push(error)) })
    await redis.ping()
    await own.stop()
    await made.fail(3)
    const begun = performance.now()
    await made.fail(1)
    expect(made.state().state).toBe('open')
    expect((await made.send().response).failure?.kind).toBe('circuit_open')
    expect(performance.now() - begun).toBeLessThan(100)
    await made.clock.advance(10_000)
    await made.succeed(2)
    expect(made.state().state).toBe('closed')
    await vi.waitFor(() => expect(errors.length).toBeGreaterThan(0))
  })

  it('was never there: each goes by what it sees itself', async () => {
    const made = bench({ ...quick, shared: storeOn(connect('/nowhere/redis.sock')) })
    await made.fail(4)
    expect(made.state().state).toBe('open')
  })
})
