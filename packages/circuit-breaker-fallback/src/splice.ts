import type { SseEvent } from '@spillway/wire'
import { parseBounded } from '@spillway/wire/internal'

/** Turns the events of a continuation into what the caller is to see. */
export interface Splice {
  /** The events to send for one that has come, as text; often none. */
  read(event: SseEvent): string
  /** The text that was added so far. */
  readonly text: string
}

/** The data of an event; undefined for what is no JSON object, which clients skip. */
export function parseEvent(data: string): object | undefined {
  const value = parseBounded(data)
  return typeof value === 'object' && value !== null ? value : undefined
}
