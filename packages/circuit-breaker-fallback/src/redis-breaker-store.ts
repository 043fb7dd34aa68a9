import { type BreakerStore, openingId, type SharedOpening } from './breaker-store.ts'

/** What is used of a second connection, which only listens. */
export interface RedisSubscriber {
  subscribe(channel: string): Promise<unknown>
  on(event: 'message', listener: (channel: string, message: string) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  disconnect(): void
}

/** What is used of an `ioredis` client. */
export interface RedisConnection {
  set(key: string, value: string, unit: 'PX', milliseconds: number): Promise<unknown>
  pttl(key: string): Promise<number>
  publish(channel: string, message: string): Promise<unknown>
  duplicate(): RedisSubscriber
}

export interface RedisBreakerStoreOptions {
  /**
   * What all keys and the channel begin with.
   * @default 'spillway:breaker'
   */
  readonly prefix?: string
  /** Hears what goes wrong; calls go on without the store. */
  readonly onError?: (error: unknown) => void
}

/** A {@link BreakerStore} in Redis. */
export interface RedisBreakerStore extends BreakerStore {
  /** Closes the connection that listens. The one that was given stays its owner's. */
  close(): void
}

/**
 * Shares openings over Redis: a key that lives as long as the opening for those who come later, a message for those who
 * are there. Times travel as durations, so that clocks need not agree.
 * @param redis an `ioredis` client; a duplicate of it listens
 */
export function redisBreakerStore(
  redis: RedisConnection,
  { prefix = 'spillway:breaker', onError = () => {} }: RedisBreakerStoreOptions = {},
): RedisBreakerStore {
  const channel = `${prefix}:openings`
  const listeners = new Set<(opening: SharedOpening) => void>()
  const keyOf = (name: string, key: string): string => `${prefix}:open:${openingId(name, key)}`
  let subscriber: RedisSubscriber | undefined

  const listen = (): RedisSubscriber => {
    const connection = redis.duplicate()
    connection.on('error', onError)
    connection.on('message', (_channel, message) => {
      const opening = readOpening(message)
      if (opening !== undefined) for (const listener of [...listeners]) listener(opening)
    })
    connection.subscribe(channel).catch(onError)
    return connection
  }

  return {
    async open(opening) {
      const { name, key, openForMs, from } = opening
      const ms = Math.max(1, Math.ceil(openForMs))
      const kept = redis.set(keyOf(name, key), from, 'PX', ms)
      const told = redis.publish(channel, JSON.stringify({ name, key, openForMs: ms, from }))
      await Promise.all([kept, told]).catch(onError)
    },
    async remaining(name, key) {
      const ms = await redis.pttl(keyOf(name, key)).catch((error: unknown) => {
        onError(error)
        return 0
      })
      return Math.max(0, ms)
    },
    subscribe(listener) {
      subscriber ??= listen()
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close() {
      listeners.clear()
      subscriber?.disconnect()
      subscriber = undefined
    },
  }
}

/** Others may write to the channel too: what is no opening is left alone. */
function readOpening(message: string): SharedOpening | undefined {
  try {
    const { name, key, openForMs, from } = JSON.parse(message) as Partial<SharedOpening>
    if (typeof name !== 'string' || typeof key !== 'string' || typeof from !== 'string') return undefined
    if (typeof openForMs !== 'number' || !(openForMs > 0)) return undefined
    return { name, key, openForMs, from }
  } catch {
    return undefined
  }
}
