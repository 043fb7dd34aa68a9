import type { Failure } from './failure.ts'

const marker = Symbol.for('spillway.stream-failure')

/** How far a stream had come when it broke off: what an event behind it has to agree with. */
export interface StreamPlace {
  /** The number of the next event, in protocols that number them. */
  readonly nextSequence?: number | undefined
  /** The answer's id and model, as far as the stream has told them. */
  readonly answerId?: string | undefined
  readonly model?: string | undefined
}

/** What a body fails with when the upstream breaks off after the commit point. */
export class StreamFailure extends Error {
  override readonly name: string = 'StreamFailure'
  readonly failure: Failure
  /** The error event as the upstream sent it, where it sent one; of an answer whose model declines, its end (`holdRefusal`). */
  readonly eventBytes: Uint8Array | undefined
  /** Undefined where the stream was not parsed. */
  readonly place: StreamPlace | undefined

  constructor(failure: Failure, eventBytes?: Uint8Array, place?: StreamPlace) {
    super(failure.message)
    this.failure = failure
    this.eventBytes = eventBytes
    this.place = place
    Object.defineProperty(this, marker, { value: true })
  }
}

/** Whether a value is a {@link StreamFailure}, also one of another copy of this package. */
export function isStreamFailure(value: unknown): value is StreamFailure {
  return typeof value === 'object' && value !== null && marker in value
}
