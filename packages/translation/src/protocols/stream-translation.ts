import type { Failure } from '@spillway/middleware'
import type { StreamPlace } from '@spillway/middleware/kit'
import type { SseEvent } from '@spillway/wire'
import type { Loss } from './loss.ts'

/** Turns the events of a stream into those of another protocol, one after the other. */
export interface StreamTranslation {
  /** What to send for an event that has come, as text; often nothing. */
  read(event: Pick<SseEvent, 'name' | 'data'>): string
  /** What to send at the end of a whole answer; nothing where it has been sent. */
  finish(): string
  /** What to send instead of an end. */
  fail(failure: Failure): string
  /** Where an event goes that ends the stream, in protocols that number their events. */
  readonly place?: StreamPlace | undefined
  /** What got lost so far. */
  readonly degraded: readonly Loss[]
}
