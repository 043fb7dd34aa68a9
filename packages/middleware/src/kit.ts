/**
 * Building blocks for those who write policies, targets and transports: bodies and their fields, the record of a call, hooks, options and
 * small structures with a bound. They follow the needs of Spillway's own packages and may change in a minor release; what users of
 * the contract need is in the index.
 * @packageDocumentation
 */

export { newCallId } from './call-id.ts'
export {
  type AttemptReason,
  type CallRecord,
  type FallbackTaken,
  type RecordedAttempt,
  type RecordedRequest,
  recordCall,
} from './call-record.ts'
export { backgroundClock, type CancelTimer } from './clock.ts'
export { type Deadline, longestWait, noDeadline, type WaitLimits } from './deadline.ts'
export { describeShort } from './describe.ts'
export { emitWarning } from './emit-warning.ts'
export type { AttemptReport } from './error.ts'
export { type EventType, withListener } from './events.ts'
export type { FailureScope, TimeoutPhase } from './failure.ts'
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
export { hash32, mix32 } from './hash32.ts'
export { guardAsyncHook, guardHook, guardListener } from './hooks.ts'
export {
  bytesIn,
  fieldOf,
  holdBody,
  type JsonBody,
  type JsonObject,
  jsonBodyFromBytes,
  jsonBodyFromLent,
  jsonBodyFromObject,
  peekBytes,
  withField,
} from './json-body.ts'
export { LentBytes } from './lent-bytes.ts'
export { LinkedList, type ListPlace } from './linked-list.ts'
export { type About, type Branch, describeAs } from './naming.ts'
export { definedOnly, withDefaults } from './options.ts'
export type { Timings, TokenCounts, UsageIteration } from './outcome.ts'
export { RecentMap } from './recent-map.ts'
export type { NewModelRequest, Operation, RequestHeaders, Venue } from './request.ts'
export type { FetchFacts, ResponseHeaders } from './response.ts'
export {
  BodyChannel,
  type BodySink,
  type BodySource,
  bodyOf,
  concatBytes,
  readBody,
} from './response-body.ts'
export type { StreamPlace } from './stream-failure.ts'
export { summarizeFailures } from './summarize-failures.ts'
export { defaultStreamHeaders, defaultTimeouts } from './timeouts.ts'
export type { Transcript, TranscriptBlock } from './transcript.ts'
