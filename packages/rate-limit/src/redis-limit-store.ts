import { type Clock, systemClock } from '@spillway/middleware'
import { withDefaults } from '@spillway/middleware/kit'
import { LimitLink } from './limit-link.ts'
import type { LimitStore } from './limit-store.ts'
import { limitRules } from './limits.ts'
import { SharedLimiter } from './shared-limiter.ts'

/** What is needed of a Redis client; an `ioredis` client or cluster has it. */
export interface RedisClient {
  evalsha(digest: string, keys: number, ...rest: string[]): Promise<unknown>
  eval(script: string, keys: number, ...rest: string[]): Promise<unknown>
  /** Tells when the connection is ready and when it is gone: `ready`, `close`. */
  on?(event: string, listener: () => void): unknown
}

export interface RedisLimitStoreOptions {
  /**
   * What all keys begin with. The rest of a key is its hash tag, so that one key's data stay on one node of a cluster.
   * @default 'spillway:limit:'
   */
  readonly prefix?: string
  /**
   * How long the place of a call outlives its process, in milliseconds. Living processes renew theirs.
   * @default 15000
   */
  readonly lease?: number
  /**
   * How long an admission waits for Redis before this process goes on by itself, in milliseconds.
   * @default 250
   */
  readonly timeout?: number
  /**
   * How long this process keeps to its share after Redis has come back without its data, in milliseconds: until all
   * processes have told it theirs.
   * @default 5000
   */
  readonly recovery?: number
  /**
   * How many processes share the limits at least: what a process that has never reached Redis divides them by.
   * @default 1
   */
  readonly processes?: number
  /**
   * Whose time windows are measured in: that of Redis, which is the same for all, or that of `clock`, for tests.
   * @default 'redis'
   */
  readonly time?: 'redis' | 'clock'
  readonly clock?: Clock
}

/** The defaults of {@link RedisLimitStoreOptions}. */
export const redisLimitStoreDefaults: Required<Omit<RedisLimitStoreOptions, 'clock'>> = {
  prefix: 'spillway:limit:',
  lease: 15_000,
  timeout: 250,
  recovery: 5_000,
  processes: 1,
  time: 'redis',
}

/** The script knows no Infinity. Thirty years, in milliseconds. */
const longestClosure = 1e12

/** Limits in Redis, and how they fare. */
export interface RedisLimitStore extends LimitStore {
  /** `shared` while Redis answers, `local` while this process keeps to its share by itself. */
  readonly status: 'shared' | 'local'
  /** Calls back when that changes; returns how to stop it. */
  onStatus(listener: (status: 'shared' | 'local') => void): () => void
}

/**
 * Limits that all processes with the same Redis, prefix and key share. An admission is one round trip. While Redis is
 * away, or slower than `timeout`, each process admits its share of what is left, and reports it when Redis is back; so
 * no call fails because of Redis.
 * @throws RangeError for options out of range
 */
export function redisLimitStore(redis: RedisClient, options: RedisLimitStoreOptions = {}): RedisLimitStore {
  const settings = withDefaults({ ...redisLimitStoreDefaults, clock: systemClock as Clock }, options)
  for (const name of ['lease', 'timeout', 'processes'] as const) {
    if (!(settings[name] >= 1))
      throw new RangeError(`redisLimitStore.${name} must be 1 or more, but is ${settings[name]}`)
  }
  const link = new LimitLink(redis, settings.timeout, settings.clock)
  const member = crypto.randomUUID()
  let leases = 0
  const nextLease = (): string => `${member}:${++leases}`
  const statusOf = (isUp: boolean): 'shared' | 'local' => (isUp ? 'shared' : 'local')
  return {
    open: (key, limits, rules) =>
      new SharedLimiter({
        ...{ key, limits, link, member, nextLease, settings },
        rules: { maxRetryAfter: Math.min(rules?.maxRetryAfter ?? limitRules.maxRetryAfter, longestClosure) },
      }),
    get status() {
      return statusOf(link.isUp)
    },
    onStatus: (listener) => link.onChange((isUp) => listener(statusOf(isUp))),
  }
}
