export { anthropicUsage } from './anthropic-usage.ts'
export { connectionHeaders } from './connection-headers.ts'
export { type RenderedError, renderError, renderErrorEvent, statusOf } from './error-rendering.ts'
export { classifyErrorBody, classifyHttpError, isErrorBody } from './failure-classification.ts'
export { type FailedAttempt, failureResponse } from './failure-response.ts'
export { acceptsPrefill, acceptsTemperature } from './model-capabilities.ts'
export { openaiUsage } from './openai-usage.ts'
export { normaliseBaseUrl, pathOf, queryOf, type RecognisedCall, recogniseCall } from './operations.ts'
export { rateLimitResetMs } from './rate-limit-reset.ts'
export { header, retryAfterMs } from './retry-after.ts'
export type { SseEvent } from './sse-event.ts'
export { SseScanner } from './sse-scanner.ts'
export { StreamReader } from './stream-reader.ts'
export type { StreamState } from './stream-state.ts'
export {
  cancelledFailure,
  malformedFailure,
  timeoutFailure,
  transportFailure,
  truncatedFailure,
} from './transport-failure.ts'
export { estimatedUsage, tokensFromBytes } from './usage.ts'
export { type VendorDimension, type VendorLimit, vendorLimits } from './vendor-limits.ts'
export { readWholeAnswer, type WholeAnswer } from './whole-answer.ts'
export { withModel } from './with-model.ts'
