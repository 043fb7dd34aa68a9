import { guardListener } from '@spillway/middleware/kit'
import { type BreakerStore, openingId, type SharedOpening } from './breaker-store.ts'

/** What is used of a second connection, which only listens. */
export interface RedisSubscriber {
  subscribe(channel: string): Promise<unknown>
  on(event: 'message', listener: (channel: string, message: string) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  /** The connection is there, for the first time or again. */
  on(event: 'ready', listener: () => void): unknown
  disconnect(): void
}

/** What is used of an `ioredis` client. */
export interface RedisConnection {
  set(key: string, value: string, unit: 'PX', milliseconds: number): Promise<unknown>
  pttl(key: string): Promise<number>
  publish(channel: string, message: string): Promise<unknown>
  duplicate(): RedisSubscriber
  /** Tells when the connection is there, for the first time or again: what could not be read before is read then. */
  on?(event: 'ready', listener: () => void): unknown
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

interface Listener {
  readonly hear: (opening: SharedOpening) => void
  readonly missed: () => void
}

/**
 * Shares openings over Redis: a key that expires with the opening for those who come later, a message for those who
 * are there. Times travel as durations, so that clocks need not agree.
 * @param redis an `ioredis` client; a duplicate of it listens
 */
export function redisBreakerStore(
  redis: RedisConnection,
  { prefix = 'spillway:breaker', ...options }: RedisBreakerStoreOptions = {},
): RedisBreakerStore {
  const onError = guardListener('redisBreakerStore.onError', options.onError ?? (() => {}))
  const channel = `${prefix}:openings`
  const listeners = new Set<Listener>()
  const keyOf = (name: string, key: string): string => `${prefix}:open:${openingId(name, key)}`
  let subscriber: RedisSubscriber | undefined

  const missed = (): void => {
    for (const listener of [...listeners]) listener.missed()
  }
  redis.on?.('ready', missed)

  const listen = (): RedisSubscriber => {
    const connection = redis.duplicate()
    connection.on('error', onError)
    connection.on('message', (_channel, message) => {
      const opening = readOpening(message)
      if (opening !== undefined) for (const listener of [...listeners]) listener.hear(opening)
    })
    let isSubscribing = false
    // Subscribed first, read then: whatever is opened in between is in either.
    const subscribe = async (): Promise<void> => {
      if (isSubscribing) return
      isSubscribing = true
      try {
        await connection.subscribe(channel)
        missed()
      } catch (error) {
        onError(error)
      } finally {
        isSubscribing = false
      }
    }
    connection.on('ready', () => void subscribe())
    void subscribe()
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
    subscribe(hear, missed = () => {}) {
      const listener = { hear, missed }
      listeners.add(listener)
      subscriber ??= listen()
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
