import type { Failure } from './failure.ts'

const marker = Symbol.for('spillway.stream-failure')

/** What a body fails with when the upstream breaks off after the commit point. */
export class StreamFailure extends Error {
  override readonly name: string = 'StreamFailure'
  readonly failure: Failure
  /** The error event as the upstream sent it, where it sent one; of an answer whose model declines, its end (`holdRefusal`). */
  readonly eventBytes: Uint8Array | undefined

  constructor(failure: Failure, eventBytes?: Uint8Array) {
    super(failure.message)
    this.failure = failure
    this.eventBytes = eventBytes
    Object.defineProperty(this, marker, { value: true })
  }
}

/** Whether a value is a {@link StreamFailure}, also one of another copy of this package. */
export function isStreamFailure(value: unknown): value is StreamFailure {
  return typeof value === 'object' && value !== null && marker in value
}
