/**
 * What Spillway's own packages share of the protocols: parts of the readers, estimates, tables and JSON that keeps its text. Not for others: any
 * release may change it.
 * @packageDocumentation
 */

export { answerAsStream, asksForUsage } from './assembly/answer-stream.ts'
export { type BodyLimits, BodyScanner, bodyLimits } from './body-scanner.ts'
export { parseBounded } from './bounded-json.ts'
export { type CallPiece, type ContentPiece, callPieces, contentPieces } from './chat-content.ts'
export { connectionHeaders } from './connection-headers.ts'
export { hashFraction } from './conversation.ts'
export { statusOf } from './error-rendering.ts'
export { wordedFor } from './error-words.ts'
export { bedrockFrame, bedrockFrames } from './event-stream/bedrock-frames.ts'
export { BedrockScanner } from './event-stream/bedrock-scanner.ts'
export { bedrockException } from './event-stream/exception-failure.ts'
export { withRequestIdOf } from './failure-classification.ts'
export { isForeignSignature, spillwayMark } from './foreign-signature.ts'
export { forwardedQuery } from './forwarded-query.ts'
export { isDivertedHeader, whyNotForwarded } from './header-fence.ts'
export {
  findSources,
  keepSources,
  prependFields,
  setSource,
  withSources,
  writeJson,
} from './json/source-text.ts'
export { isObject, numberOf, objectsOf, parseObject, textOf } from './json/values.ts'
export {
  acceptsPrefill,
  acceptsTemperature,
  isOpenAiNonReasoningModel,
  isOpenAiReasoningModel,
} from './model-capabilities.ts'
export { hasNoOutput, modelRefusal } from './model-refusal.ts'
export { omitHeaders } from './omit-headers.ts'
export { isDone } from './openai-stream.ts'
export { laterUsage, usageOfCompletion } from './openai-usage.ts'
export type { ContentSightings } from './outline/sightings.ts'
export { type ObservedAnswer, outputTokensOf } from './output-estimate.ts'
export { wasCutShort } from './own-deadline.ts'
export { isPlainId } from './plain-id.ts'
export { isSurelyWithin, leastPromptTokens } from './prompt-estimate.ts'
export { countJsonValues, promptFactsOf, sightingsIn } from './prompt-facts.ts'
export { type PromptSize, promptSizeOf } from './prompt-size.ts'
export { rateLimitResetMs } from './rate-limit-reset.ts'
export { joinDetails, type ReasoningDetails, reasoningText } from './reasoning-details.ts'
export { boundedWait, header, longestWait, withBoundedWaits } from './retry-after.ts'
export { eventReader, isWholeStream } from './stream-end.ts'
export { newStreamState } from './stream-state.ts'
export { faultFailure, isTransportError } from './transport-failure.ts'
export { TypicalDuration } from './typical-duration.ts'
export { nameField } from './upstream-text.ts'
export { field, promptTokens, stringField, tokensFromBytes } from './usage.ts'
export { isVendorLimit } from './vendor-limits.ts'
export { isBodiless } from './whole-answer.ts'
