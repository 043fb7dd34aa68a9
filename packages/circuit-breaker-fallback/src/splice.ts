import type { Api, Transcript } from '@spillway/middleware'
import type { SseEvent } from '@spillway/wire'
import { anthropicSplice } from './anthropic-splice.ts'
import { openaiSplice } from './openai-splice.ts'

/** Turns the events of a continuation into what the caller is to see. */
export interface Splice {
  /** The events to send for one that has come, as text; often none. */
  read(event: SseEvent): string
  /** The text that was added so far. */
  readonly text: string
}

/**
 * A splice for the protocol of the caller.
 * @param outputTokensSoFar what the broken stream has used; the caller sees the sum
 */
export function createSplice(api: Api, transcript: Transcript, outputTokensSoFar: number): Splice {
  return api === 'anthropic'
    ? anthropicSplice(transcript, outputTokensSoFar)
    : openaiSplice(transcript, outputTokensSoFar)
}
