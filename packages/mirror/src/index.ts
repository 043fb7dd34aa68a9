export {
  attempt,
  fetchTransport,
  sdkMiddleware,
  type Target,
  target,
  timeouts,
  wrapFetch,
} from '@spillway/attempt'
export type { ComparedAnswer, Comparison } from './comparison.ts'
export type {} from './events.ts'
export { createMirror, type DropReason, type Mirror, type MirrorStats, mirror } from './mirror.ts'
export { type MirrorOptions, mirrorDefaults } from './mirror-options.ts'
export { textSimilarity } from './text-similarity.ts'
