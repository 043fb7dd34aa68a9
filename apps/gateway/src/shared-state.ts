import { type BudgetStore, redisBudgetStore } from '@spillway/budgets'
import { type BreakerStore, redisBreakerStore } from '@spillway/circuit-breaker-fallback'
import { type LimitStore, type RedisLimitStoreOptions, redisLimitStore } from '@spillway/rate-limit'
import type { SharedText } from './alerts/board-store.ts'
import { redisText } from './alerts/redis-text.ts'
import { omitUndefined } from './config/omit-undefined.ts'
import type { ExpiringTexts } from './sign-in/expiring-texts.ts'

/** How limits are shared. */
export type LimitSharing = Pick<
  RedisLimitStoreOptions,
  'prefix' | 'timeout' | 'recovery' | 'lease' | 'processes'
>

/** Whether a store decides for all processes, or this one for its share. */
export interface Sharing {
  readonly status: 'shared' | 'local'
  /** Calls back when that changes; returns how to stop it. */
  onStatus(listener: (status: 'shared' | 'local') => void): () => void
}

/** What several gateways share over Redis, or the workers of one through their primary. */
export interface SharedState {
  readonly limits: LimitStore & Sharing
  readonly budgets: BudgetStore &
    Sharing & {
      /** Resolves when the store knows all that this process does, or does not answer. */
      flush(): Promise<void>
    }
  readonly breakers: BreakerStore
  /**
   * Agrees on a value with all others: the first one's holds. Asks again whenever the store is back, so that a value which it
   * has lost is there again.
   * @param heard called with the value that is agreed on, when it is known and when it changes
   * @returns whether it is known already
   */
  agree(name: string, own: string, heard: (agreed: string) => void): Promise<boolean>
  /** Texts that end by themselves, which all gateways see. */
  readonly expiring: ExpiringTexts
  /** A text that all gateways change together. */
  text(name: string): SharedText
  close(): void
}

/** How long an agreement waits for an answer, in milliseconds. */
const agreeWithin = 1_000

/** Reconnects for ever: first at once, then every two seconds. */
const reconnectAfter = (attempt: number): number => Math.min(attempt * 100, 2_000)

/** How long a start waits for Redis, in milliseconds; without it the gateway begins alone. */
const firstConnection = 1_000

/**
 * Connects to Redis. Calls flow whether it answers or not.
 * @param url `redis://…` or `rediss://…`
 * @param settings how limits are shared
 * @param log told when Redis goes away and when it is back
 */
export async function openSharedState(
  url: string,
  log: (line: string) => void,
  settings: LimitSharing = {},
): Promise<SharedState> {
  // Loaded by those who configure it.
  const { Redis } = await import('ioredis')
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
  const limits = redisLimitStore(redis, settings)
  const breakers = redisBreakerStore({
    set: (...args) => redis.set(...args),
    pttl: (key) => redis.pttl(key),
    publish: (channel, message) => redis.publish(channel, message),
    on: (event, listener) => redis.on(event, listener),
    // A subscription waits for its connection.
    duplicate: () => redis.duplicate({ enableOfflineQueue: true, maxRetriesPerRequest: null }),
  })
  const budgets = redisBudgetStore(
    redis,
    omitUndefined({ timeout: settings.timeout, processes: settings.processes }),
  )
  let isShared = true
  const told = (): void => {
    const before = isShared
    isShared = limits.status === 'shared' && budgets.status === 'shared'
    if (isShared === before) return
    if (isShared) log('redis is back: limits are shared again')
    else
      log(
        `redis is unavailable${lastError && ` (${lastError})`}: this gateway keeps to its share of the limits`,
      )
  }
  const listening = [limits.onStatus(told), budgets.onStatus(told)]
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, firstConnection)
    redis.once('ready', () => {
      clearTimeout(timer)
      resolve()
    })
  })
  const listeners: (() => void)[] = []
  return {
    limits,
    budgets,
    breakers,
    async agree(name, own, heard) {
      const key = `spillway:${name}`
      let current = own
      const ask = async (): Promise<boolean> => {
        try {
          await redis.set(key, current, 'NX')
          const agreed = await redis.get(key)
          if (agreed === null) return false
          if (agreed !== current) heard(agreed)
          current = agreed
          return true
        } catch {
          return false
        }
      }
      const again = (): void => void ask()
      redis.on('ready', again)
      listeners.push(again)
      let cancel: NodeJS.Timeout | undefined
      const late = new Promise<boolean>((resolve) => {
        cancel = setTimeout(resolve, agreeWithin, false)
      })
      return Promise.race([ask(), late]).finally(() => clearTimeout(cancel))
    },
    expiring: {
      async set(key, text, ms) {
        await redis.set(`${settings.prefix ?? 'spillway:'}${key}`, text, 'PX', ms)
      },
      get: async (key) => (await redis.get(`${settings.prefix ?? 'spillway:'}${key}`)) ?? undefined,
      take: async (key) => (await redis.getdel(`${settings.prefix ?? 'spillway:'}${key}`)) ?? undefined,
    },
    text: (name) => redisText(redis, `${settings.prefix ?? 'spillway:'}${name}`),
    close() {
      // Its own end of the connection is no news.
      for (const stop of listening) stop()
      for (const listener of listeners) redis.off('ready', listener)
      breakers.close()
      redis.disconnect()
    },
  }
}
