export { timeouts } from '@spillway/attempt'
export {
  type ResilientModelOptions,
  resilientModel,
  resilientModelDefaults,
} from './resilient-model.ts'
