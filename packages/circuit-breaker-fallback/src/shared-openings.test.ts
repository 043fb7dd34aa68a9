import { describe, expect, it } from 'vitest'
import { type Bench, bench, model } from '../test/breaker-bench.ts'
import { turn } from '../test/controlled-endpoint.ts'
import { openingId } from './breaker-store.ts'
import { keyCircuit } from './circuit-breaker.ts'
import { type RedisConnection, type RedisSubscriber, redisBreakerStore } from './redis-breaker-store.ts'

const quick = { name: 'eu', minimumCalls: 4, openFor: 10_000 }

/** What another process has in Redis, and two connections to it that the test connects and cuts. */
function controlledRedis(): {
  readonly redis: RedisConnection
  /** Another process opens a circuit: kept for its time, and told to those who are subscribed. */
  open(key: string): Promise<void>
  connect(which: 'reader' | 'subscriber'): Promise<void>
  cut(which: 'reader' | 'subscriber'): void
} {
  const kept = new Set<string>()
  const isUp = { reader: false, subscriber: false }
  const onReady: Record<keyof typeof isUp, (() => void)[]> = { reader: [], subscriber: [] }
  let hear: ((channel: string, message: string) => void) | undefined
  let isSubscribed = false
  const subscriber: RedisSubscriber = {
    async subscribe() {
      if (!isUp.subscriber) throw new Error('not connected')
      await turn()
      isSubscribed = true
    },
    on(event: string, listener: (...args: never[]) => void) {
      if (event === 'message') hear = listener as typeof hear
      if (event === 'ready') onReady.subscriber.push(listener as () => void)
    },
    disconnect() {},
  }
  return {
    redis: {
      set: async () => 'OK',
      publish: async () => 0,
      async pttl(key) {
        if (!isUp.reader) throw new Error('not connected')
        return kept.has(key) ? 5_000 : -2
      },
      on: (_, listener) => onReady.reader.push(listener),
      duplicate: () => subscriber,
    },
    async open(key) {
      kept.add(`spillway:breaker:open:${openingId('eu', key)}`)
      const message = JSON.stringify({ name: 'eu', key, openForMs: 5_000, from: 'another' })
      if (isSubscribed) hear?.('spillway:breaker:openings', message)
      await turn()
    },
    async connect(which) {
      isUp[which] = true
      for (const listener of onReady[which]) listener()
      await turn()
    },
    cut(which) {
      isUp[which] = false
      if (which === 'subscriber') isSubscribed = false
    },
  }
}

describe('an opening of another process', () => {
  const connected = async (): Promise<ReturnType<typeof controlledRedis> & { readonly here: Bench }> => {
    const controlled = controlledRedis()
    await controlled.connect('reader')
    const here = bench({ ...quick, shared: redisBreakerStore(controlled.redis) })
    await here.run()
    return { ...controlled, here }
  }

  it('is known when it was published before this one had subscribed', async () => {
    const { here, open, connect } = await connected()
    await open(model)
    expect(here.state().state).toBe('closed')
    await connect('subscriber')
    expect(here.state().state).toBe('open')
  })

  it('is known when it was published while the subscription was broken', async () => {
    const { here, open, connect, cut } = await connected()
    await connect('subscriber')
    cut('subscriber')
    await open(model)
    expect(here.state().state).toBe('closed')
    await connect('subscriber')
    expect(here.state().state).toBe('open')
  })

  it('is heard when the first subscription has failed', async () => {
    const { here, open, connect } = await connected()
    await connect('subscriber')
    await open(model)
    expect(here.state().state).toBe('open')
  })

  it('is known when the connection that reads comes last', async () => {
    const { redis, open, connect } = controlledRedis()
    const here = bench({ ...quick, shared: redisBreakerStore(redis) })
    await here.run()
    await open(model)
    await connect('subscriber')
    expect(here.state().state).toBe('closed')
    await connect('reader')
    expect(here.state().state).toBe('open')
  })

  it('is known for the key of the endpoint before any call', async () => {
    const { redis, open, connect } = controlledRedis()
    const here = bench({ ...quick, shared: redisBreakerStore(redis) })
    await open(keyCircuit)
    await connect('reader')
    await connect('subscriber')
    expect((await here.run()).failure?.kind).toBe('circuit_open')
  })

  it('is not asked for by a breaker that is closed, nor of a store that is', async () => {
    const { here, redis, open, connect } = await connected()
    const store = redisBreakerStore(redis)
    const there = bench({ ...quick, shared: store })
    await there.run()
    here.breaker.close()
    store.close()
    await open(model)
    await connect('subscriber')
    expect([here, there].map(({ state }) => state().state)).toEqual(['closed', 'closed'])
  })
})
