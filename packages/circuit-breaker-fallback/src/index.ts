export { type Target, target, timeouts, wrapFetch } from '@spillway/attempt'
export { type FallbackOptions, fallback, fallbackDefaults } from './fallback.ts'
export type { MidStreamMode } from './mid-stream.ts'
