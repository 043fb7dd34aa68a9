export { sdkMiddleware, type Target, target, timeouts, wrapFetch } from '@spillway/attempt'
export {
  type BreakerStore,
  type MemoryBreakerStoreOptions,
  memoryBreakerStore,
  type SharedOpening,
} from './breaker-store.ts'
export type { ChangeReason, CircuitState } from './circuit.ts'
export {
  type CircuitBreaker,
  type CircuitChange,
  type CircuitScope,
  type CircuitStatus,
  circuitBreaker,
  createCircuitBreaker,
  keyCircuit,
  keyCircuitOf,
} from './circuit-breaker.ts'
export {
  type CircuitBreakerOptions,
  type CircuitBreakerSettings,
  circuitBreakerDefaults,
} from './circuit-breaker-options.ts'
export type {} from './events.ts'
export { type FallbackOptions, fallback, fallbackDefaults } from './fallback.ts'
export type { MidStreamMode } from './mid-stream.ts'
export { type PermittedModels, type PublishedModelsOptions, publishedModels } from './permitted-models.ts'
export {
  type RedisBreakerStore,
  type RedisBreakerStoreOptions,
  type RedisConnection,
  type RedisSubscriber,
  redisBreakerStore,
} from './redis-breaker-store.ts'
export { refusalFallback } from './refusal-fallback.ts'
export { type RefusalFallbackOptions, refusalFallbackDefaults } from './refusal-options.ts'
