import { rateLimit, redisLimitStore, wrapFetch } from '@spillway/rate-limit'
import { Redis } from 'ioredis'

export const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379', {
  enableOfflineQueue: false,
})
redis.on('error', () => {})

export const limitStore = redisLimitStore(redis)
export const sharedFetch = wrapFetch(
  fetch,
  rateLimit({ store: limitStore, name: 'claude', requestsPerMinute: 600, concurrency: 50 }),
)
