export { sdkMiddleware, timeouts, wrapFetch } from '@spillway/attempt'
export type { Admission, Beside, GroupState, Headroom, Lease } from './admission.ts'
export type {} from './events.ts'
export { type AdaptiveConcurrencyOptions, adaptiveConcurrencyDefaults } from './gradient.ts'
export { hideVendorLimits } from './hide-vendor-limits.ts'
export { type LimitStore, memoryLimitStore } from './limit-store.ts'
export { Limiter } from './limiter.ts'
export type { Ahead, Cost, LimitRules, Limits, VendorFeedback, VendorQuota, WindowName } from './limits.ts'
export {
  createRateLimit,
  type RateLimit,
  type RateLimitOptions,
  rateLimit,
  rateLimitDefaults,
} from './rate-limit.ts'
export {
  type RedisClient,
  type RedisLimitStore,
  type RedisLimitStoreOptions,
  redisLimitStore,
  redisLimitStoreDefaults,
} from './redis-limit-store.ts'
