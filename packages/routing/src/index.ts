export { sdkMiddleware, timeouts, wrapFetch } from '@spillway/attempt'
export type { ChoiceReason } from './choice.ts'
export type { EndpointState } from './endpoint.ts'
export type {} from './events.ts'
export {
  type AffinityOptions,
  type EjectionOptions,
  type EndpointOptions,
  type HedgeOptions,
  type KeyOptions,
  type RoutingOptions,
  routingDefaults,
} from './options.ts'
export type { EjectionReason } from './outliers.ts'
export { balance, createRouting, type Routing, type RoutingSetup } from './routing.ts'
