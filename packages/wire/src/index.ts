export { anthropicUsage } from './anthropic-usage.ts'
export { answerAsStream, asksForUsage } from './assembly/answer-stream.ts'
export { type BodyLimits, BodyScanner, bodyLimits } from './body-scanner.ts'
export { parseBounded } from './bounded-json.ts'
export { type CallPiece, type ContentPiece, callPieces, contentPieces } from './chat-content.ts'
export { closingBytes } from './closing-bytes.ts'
export { connectionHeaders } from './connection-headers.ts'
export { type Conversation, conversationOf, hashFraction } from './conversation.ts'
export { type CredentialProblem, type CredentialText, readCredential } from './credential-text.ts'
export {
  type ErrorEventOptions,
  type RenderedError,
  renderError,
  renderErrorEvent,
  statusOf,
} from './error-rendering.ts'
export { wordedFor } from './error-words.ts'
export { bedrockFrame, bedrockFrames } from './event-stream/bedrock-frames.ts'
export { BedrockScanner } from './event-stream/bedrock-scanner.ts'
export { bedrockException } from './event-stream/exception-failure.ts'
export { classifyErrorBody, classifyHttpError, isErrorBody } from './failure-classification.ts'
export { failureKinds, isCallerError, isEndpointFailure, isKeyFailure } from './failure-kinds.ts'
export { type FailedAttempt, failureResponse } from './failure-response.ts'
export { isForeignSignature, spillwayMark } from './foreign-signature.ts'
export { forwardedQuery } from './forwarded-query.ts'
export {
  type HeaderFence,
  type HeaderFenceOptions,
  type HeaderVenue,
  headerFence,
  isDivertedHeader,
  whyNotForwarded,
} from './header-fence.ts'
export {
  findSources,
  keepSources,
  prependFields,
  setSource,
  withSources,
  writeJson,
} from './json/source-text.ts'
export { isObject, numberOf, objectsOf, parseObject, textOf } from './json/values.ts'
export { limitGroup } from './limit-group.ts'
export {
  acceptsPrefill,
  acceptsTemperature,
  isOpenAiNonReasoningModel,
  isOpenAiReasoningModel,
} from './model-capabilities.ts'
export { hasNoOutput, isModelRefusal, modelRefusal } from './model-refusal.ts'
export { omitHeaders } from './omit-headers.ts'
export { isDone } from './openai-stream.ts'
export { laterUsage, openaiUsage, responsesUsage, usageOfCompletion } from './openai-usage.ts'
export {
  normaliseBaseUrl,
  pathOf,
  queryOf,
  type RecognisedCall,
  recogniseCall,
} from './operations.ts'
export type { ContentSightings } from './outline/sightings.ts'
export { type ObservedAnswer, outputTokensOf } from './output-estimate.ts'
export { wasCutShort } from './own-deadline.ts'
export { isPlainId } from './plain-id.ts'
export { estimatePromptTokens, isSurelyWithin, leastPromptTokens } from './prompt-estimate.ts'
export { countJsonValues, promptFactsOf, sightingsIn } from './prompt-facts.ts'
export { type PromptSize, promptSizeOf } from './prompt-size.ts'
export { rateLimitResetMs } from './rate-limit-reset.ts'
export { joinDetails, type ReasoningDetails, reasoningText } from './reasoning-details.ts'
export { type Refusal, refusalFailure, refuse } from './refusal.ts'
export { boundedWait, header, longestWait, retryAfterMs, withBoundedWaits } from './retry-after.ts'
export type { SseEvent } from './sse-event.ts'
export { SseScanner } from './sse-scanner.ts'
export { eventReader, isWholeStream } from './stream-end.ts'
export { StreamReader } from './stream-reader.ts'
export { newStreamState, type StreamState } from './stream-state.ts'
export {
  cancelledFailure,
  faultFailure,
  isTransportError,
  malformedFailure,
  timeoutFailure,
  transportFailure,
  truncatedFailure,
} from './transport-failure.ts'
export { TypicalDuration } from './typical-duration.ts'
export { nameField } from './upstream-text.ts'
export { field, promptTokens, stringField, tokensFromBytes } from './usage.ts'
export { completedUsage, type ReportedUsage } from './usage-estimate.ts'
export { isVendorLimit, type VendorDimension, type VendorLimit, vendorLimits } from './vendor-limits.ts'
export { isBodiless, readWholeAnswer, type WholeAnswer } from './whole-answer.ts'
export { wholeTranscript } from './whole-transcript.ts'
