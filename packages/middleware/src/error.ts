import type { Failure } from './failure.ts'
import type { Outcome } from './outcome.ts'

const marker = Symbol.for('spillway.error')

/** One attempt as an error reports it, or a refusal of Spillway's own (`failure.origin` is `spillway`), which took no time. */
export interface AttemptReport {
  readonly target: string | undefined
  /** Undefined when the attempt succeeded up to its commit point. */
  readonly failure: Failure | undefined
  readonly durationMs: number
}

/** What there is to tell of an attempt that has ended. */
export function reportAttempt(target: string | undefined, { failure, timings }: Outcome): AttemptReport {
  return { target, failure, durationMs: timings.end }
}

/** A failed call, for people who call without an HTTP surface in between. */
export class SpillwayError extends Error {
  override readonly name: string = 'SpillwayError'
  /** Stable: `SPILLWAY_` and the failure's kind in capitals, such as `SPILLWAY_TIMEOUT`. */
  readonly code: string
  readonly failure: Failure
  readonly callId: string
  /** The vendor's id of the request, where it gave one. */
  readonly requestId: string | undefined
  /** What every target has said, fallbacks included, in order: the first ten and the last ten of many. */
  readonly attempts: readonly AttemptReport[]

  constructor(failure: Failure, call: { callId: string; attempts?: readonly AttemptReport[] }) {
    super(failure.message)
    this.failure = failure
    this.code = `SPILLWAY_${failure.kind.toUpperCase()}`
    this.callId = call.callId
    this.requestId = failure.requestId
    this.attempts = call.attempts ?? []
    Object.defineProperty(this, marker, { value: true })
  }
}

/** Whether a value is a {@link SpillwayError}, also one of another copy of this package. */
export function isSpillwayError(value: unknown): value is SpillwayError {
  return typeof value === 'object' && value !== null && marker in value
}
