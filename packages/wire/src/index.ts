export { anthropicUsage } from './anthropic-usage.ts'
export { closingBytes } from './closing-bytes.ts'
export { type Conversation, conversationOf } from './conversation.ts'
export { type CredentialProblem, type CredentialText, readCredential } from './credential-text.ts'
export {
  type ErrorEventOptions,
  type RenderedError,
  renderError,
  renderErrorEvent,
} from './error-rendering.ts'
export { classifyErrorBody, classifyHttpError, isErrorBody } from './failure-classification.ts'
export { failureKinds, isCallerError, isEndpointFailure, isKeyFailure } from './failure-kinds.ts'
export { type FailedAttempt, failureResponse } from './failure-response.ts'
export { type HeaderFence, type HeaderFenceOptions, type HeaderVenue, headerFence } from './header-fence.ts'
export { limitGroup } from './limit-group.ts'
export { isModelRefusal } from './model-refusal.ts'
export { openaiUsage, responsesUsage } from './openai-usage.ts'
export { normaliseBaseUrl, pathOf, queryOf, type RecognisedCall, recogniseCall } from './operations.ts'
export { estimatePromptTokens } from './prompt-estimate.ts'
export { type Refusal, refusalFailure, refuse } from './refusal.ts'
export { retryAfterMs } from './retry-after.ts'
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
export { completedUsage, type ReportedUsage } from './usage-estimate.ts'
export { type VendorDimension, type VendorLimit, vendorLimits } from './vendor-limits.ts'
export { readWholeAnswer, type WholeAnswer } from './whole-answer.ts'
export { wholeTranscript } from './whole-transcript.ts'
