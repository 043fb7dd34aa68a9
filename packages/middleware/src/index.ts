export { newCallId } from './call-id.ts'
export {
  type AttemptReason,
  type CallRecord,
  type FallbackTaken,
  type RecordedAttempt,
  type RecordedRequest,
  recordCall,
} from './call-record.ts'
export { backgroundClock, type CancelTimer, type Clock, sleep, systemClock } from './clock.ts'
export { type Deadline, longestWait, noDeadline, timeLeft, type WaitLimits } from './deadline.ts'
export { describe, describeShort } from './describe.ts'
export { emitWarning } from './emit-warning.ts'
export { type AttemptReport, isSpillwayError, SpillwayError } from './error.ts'
export {
  type EventMap,
  type EventType,
  emit,
  type Listener,
  listen,
  type SpillwayEvent,
  withListener,
} from './events.ts'
export type { Failure, FailureKind, FailureScope, TimeoutPhase } from './failure.ts'
export {
  omitField,
  withFieldRenamed,
  withItems,
  withItemsAdded,
  withKnownFields,
  withObject,
} from './field-patches.ts'
export type { FieldSpan } from './field-spans.ts'
export { type CallEnd, callEnd, followCall } from './follow-call.ts'
export { compose, type Handler, type Middleware, stack } from './handler.ts'
export { hash32, mix32 } from './hash32.ts'
export { guardAsyncHook, guardHook, guardListener } from './hooks.ts'
export {
  fieldOf,
  type JsonBody,
  type JsonObject,
  jsonBodyFromBytes,
  jsonBodyFromObject,
  withField,
} from './json-body.ts'
export { LinkedList, type ListPlace } from './linked-list.ts'
export { type About, type Branch, describeAs, named } from './naming.ts'
export { definedOnly, withDefaults } from './options.ts'
export type { Outcome, Timings, TokenCounts, Usage, UsageIteration } from './outcome.ts'
export { RecentMap } from './recent-map.ts'
export {
  type Api,
  createRequest,
  deriveRequest,
  type ModelRequest,
  type NewModelRequest,
  type Operation,
  type RequestContext,
  type RequestHeaders,
  type Venue,
} from './request.ts'
export type { FetchFacts, ModelResponse, ResponseHeaders } from './response.ts'
export {
  BodyChannel,
  type BodySink,
  type BodySource,
  bodyOf,
  concatBytes,
  type ResponseBody,
  readBody,
} from './response-body.ts'
export { isStreamFailure, StreamFailure, type StreamPlace } from './stream-failure.ts'
export { summarizeFailures } from './summarize-failures.ts'
export { defaultStreamHeaders, defaultTimeouts, type Timeouts } from './timeouts.ts'
export type { Transcript, TranscriptBlock } from './transcript.ts'
export { useModel } from './use-model.ts'
