import { type RedisBreakerStore, redisBreakerStore } from '@spillway/circuit-breaker-fallback'
import { type RedisLimitStore, redisLimitStore } from '@spillway/rate-limit'
import { Redis } from 'ioredis'

/** What several gateways share. */
export interface SharedState {
  readonly limits: RedisLimitStore
  readonly breakers: RedisBreakerStore
  close(): void
}

/** Reconnects for ever: first at once, then every two seconds. */
const reconnectAfter = (attempt: number): number => Math.min(attempt * 100, 2_000)

/** How long a start waits for Redis, in milliseconds; without it the gateway begins alone. */
const firstConnection = 1_000

/**
 * Connects to Redis. Calls flow whether it answers or not.
 * @param url `redis://…` or `rediss://…`
 * @param log told when Redis goes away and when it is back
 */
export async function openSharedState(url: string, log: (line: string) => void): Promise<SharedState> {
  const redis = new Redis(url, {
    // Nothing is kept for later: whoever asks goes on by itself at once.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: reconnectAfter,
  })
  let lastError = ''
  redis.on('error', (error: Error) => {
    lastError = (error as NodeJS.ErrnoException).code ?? error.message
  })
  const limits = redisLimitStore(redis)
  const breakers = redisBreakerStore({
    set: (...args) => redis.set(...args),
    pttl: (key) => redis.pttl(key),
    publish: (channel, message) => redis.publish(channel, message),
    // A subscription waits for its connection.
    duplicate: () => redis.duplicate({ enableOfflineQueue: true, maxRetriesPerRequest: null }),
  })
  const stopListening = limits.onStatus((status) => {
    if (status === 'shared') log('redis is back: limits are shared again')
    else log(`redis is away${lastError && ` (${lastError})`}: this gateway keeps to its share of the limits`)
  })
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, firstConnection)
    redis.once('ready', () => {
      clearTimeout(timer)
      resolve()
    })
  })
  return {
    limits,
    breakers,
    close() {
      // Its own end of the connection is no news.
      stopListening()
      breakers.close()
      redis.disconnect()
    },
  }
}
