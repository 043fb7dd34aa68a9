export { timeouts, wrapFetch } from '@spillway/attempt'
export { type Lease, Limiter } from './limiter.ts'
export type { Cost, Limits, WindowName } from './limits.ts'
export {
  createRateLimit,
  type RateLimit,
  type RateLimitOptions,
  rateLimit,
  rateLimitDefaults,
} from './rate-limit.ts'
