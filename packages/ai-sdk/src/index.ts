export { timeouts } from '@spillway/attempt'
export {
  type ModelFallback,
  type ResilientModelOptions,
  resilientModel,
  resilientModelDefaults,
} from './resilient-model.ts'
