import type { ResponseHeaders } from '@spillway/middleware/kit'
import type { Completion } from './prompt.ts'

/** Writes one answer in the words of one protocol. */
export interface AnswerEncoder {
  /** Headers that carry the request's id. */
  readonly headers: ResponseHeaders
  /** The stream up to the first piece of text. */
  start(inputTokens: number): string
  piece(text: string): string
  /** The rest of the stream after the last piece. */
  finish(completion: Completion): string
  /** An error in the middle of the stream; nothing follows. */
  broken(message: string): string
  /** The answer as one JSON document. */
  whole(text: string, completion: Completion): string
  /** The protocol's own status for one of Anthropic's. */
  statusOf(status: number): number
  /** An error response. */
  error(status: number, message: string): string
}
