export { sdkMiddleware, timeouts, wrapFetch } from '@spillway/attempt'
export { attemptMetrics } from './attempt-metrics.ts'
export {
  type AttemptTelemetryOptions,
  attemptTelemetry,
  attemptTelemetryDefaults,
} from './attempt-telemetry.ts'
export type { CallTrace, SpanTime } from './call-trace.ts'
export type { ConventionsName } from './conventions.ts'
export { type ObservedValue, observeValues } from './observed-values.ts'
export { telemetry } from './telemetry.ts'
export { type TelemetryOptions, type TracingOptions, telemetryDefaults } from './telemetry-options.ts'
