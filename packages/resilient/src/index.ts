export { type Fetch, type Target, target } from '@spillway/attempt'
export type { FallbackEndpoint, ModelNames, Provider } from './fallback-endpoint.ts'
export {
  type Observer,
  type ResilientOptions,
  resilience,
  resilient,
  resilientDefaults,
} from './resilient.ts'
