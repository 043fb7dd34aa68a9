import type { SseEvent } from '../sse-event.ts'
import type { Loss } from './loss.ts'

/** Turns the events of a stream into those of another protocol, one after the other. */
export interface StreamTranslation {
  /** What to send for an event that has come, as text; often nothing. */
  read(event: Pick<SseEvent, 'name' | 'data'>): string
  /** What to send at the end of the bytes; an error event where the stream was not complete. */
  end(): string
  /** What got lost so far. */
  readonly degraded: readonly Loss[]
}
