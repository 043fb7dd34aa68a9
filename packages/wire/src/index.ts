export { anthropicUsage } from './anthropic-usage.ts'
export { answerAsStream, asksForUsage } from './assembly/answer-stream.ts'
export { type BodyLimits, BodyScanner, bodyLimits } from './body-scanner.ts'
export { parseBounded } from './bounded-json.ts'
export { connectionHeaders } from './connection-headers.ts'
export { type Conversation, conversationOf, fractionOf } from './conversation.ts'
export { type CredentialProblem, type CredentialText, readCredential } from './credential-text.ts'
export { type RenderedError, renderError, renderErrorEvent, statusOf } from './error-rendering.ts'
export { classifyErrorBody, classifyHttpError, isErrorBody } from './failure-classification.ts'
export { failureKinds, isCallerError, isEndpointFailure, isKeyFailure } from './failure-kinds.ts'
export { type FailedAttempt, failureResponse } from './failure-response.ts'
export { type ModelCapabilities, modelCapabilities, type ThinkingMode } from './fit/capabilities.ts'
export { type FitCall, type Fitted, fitRequest, hasFittingThinking } from './fit/fit-request.ts'
export { forwardedQuery } from './forwarded-query.ts'
export {
  type HeaderFence,
  type HeaderFenceOptions,
  type HeaderVenue,
  headerFence,
  isDivertedHeader,
  whyNotForwarded,
} from './header-fence.ts'
export { limitGroup } from './limit-group.ts'
export { acceptsPrefill, acceptsTemperature } from './model-capabilities.ts'
export { hasNoOutput, isModelRefusal, modelRefusal } from './model-refusal.ts'
export { isDone } from './openai-stream.ts'
export { openaiUsage } from './openai-usage.ts'
export { normaliseBaseUrl, pathOf, queryOf, type RecognisedCall, recogniseCall } from './operations.ts'
export { outputTokensOf, type SeenAnswer } from './output-estimate.ts'
export { wasCutShort } from './own-deadline.ts'
export { estimatePromptTokens } from './prompt-estimate.ts'
export { valuesIn } from './prompt-facts.ts'
export { type PromptSize, promptSizeOf } from './prompt-size.ts'
export { rateLimitResetMs } from './rate-limit-reset.ts'
export { type Refusal, refusalFailure, refuse } from './refusal.ts'
export { boundedWait, header, longestWait, retryAfterMs, withBoundedWaits } from './retry-after.ts'
export type { SseEvent } from './sse-event.ts'
export { SseScanner } from './sse-scanner.ts'
export { isWholeStream } from './stream-end.ts'
export { StreamReader } from './stream-reader.ts'
export type { StreamState } from './stream-state.ts'
export { answerIdFor } from './translation/answer-ids.ts'
export type { AnswerOptions, TranslatedAnswer } from './translation/answer-options.ts'
export { answerToAnthropic } from './translation/answer-to-anthropic.ts'
export { answerToOpenAi } from './translation/answer-to-openai.ts'
export { type ChatDialect, type ChatDialectName, chatDialects, dialectOfUrl } from './translation/dialect.ts'
export { dialectRefused } from './translation/dialect-refusal.ts'
export { errorEventTo, errorTo, wordedFor } from './translation/error-translation.ts'
export { type Loss, mergeLosses } from './translation/loss.ts'
export { type MessagesOptions, requestToAnthropic } from './translation/request-to-anthropic.ts'
export { requestToOpenAi, type TranslatedRequest } from './translation/request-to-openai.ts'
export { isSpillwaySigned } from './translation/spillway-signature.ts'
export { StreamTranslator } from './translation/stream-translator.ts'
export type { ToolNames } from './translation/tool-names.ts'
export { usageForAnthropic, usageForOpenAi } from './translation/usage-translation.ts'
export {
  cancelledFailure,
  faultFailure,
  isTransportError,
  malformedFailure,
  timeoutFailure,
  transportFailure,
  truncatedFailure,
} from './transport-failure.ts'
export { promptTokens, tokensFromBytes } from './usage.ts'
export { completedUsage, type ToldUsage } from './usage-estimate.ts'
export { UsualTime } from './usual-time.ts'
export { isVendorLimit, type VendorDimension, type VendorLimit, vendorLimits } from './vendor-limits.ts'
export { isBodiless, readWholeAnswer, type WholeAnswer } from './whole-answer.ts'
export { wholeTranscript } from './whole-transcript.ts'
export { withoutHeaders } from './without-headers.ts'
