import type { Failure } from './failure.ts'
import type { Outcome } from './outcome.ts'
import type { ResponseBody } from './response-body.ts'
import type { Transcript } from './transcript.ts'

/** Lower-case names; an array for headers that came more than once. */
export type ResponseHeaders = { readonly [name: string]: string | readonly string[] }

/** What a `Response` says of its way here. */
export interface FetchFacts {
  readonly url?: string | undefined
  readonly redirected?: boolean | undefined
  readonly type?: string | undefined
  readonly statusText?: string | undefined
}

/**
 * An answer at its commit point: the first content of a stream has come, or the whole body of anything else.
 * It is always presentable: where the upstream gave no HTTP response, status, headers and body are an error in
 * the caller's protocol.
 */
export interface ModelResponse {
  readonly status: number
  readonly headers: ResponseHeaders
  /** For one reader. Whoever drops the response cancels it. */
  readonly body: ResponseBody
  /** Why this is not an answer, known at once; undefined for an answer. */
  readonly failure: Failure | undefined
  /**
   * Of an answer in which the model declines, where that is known at the commit point: of one that is not streamed, and of a
   * stream without any output. It is an answer nevertheless.
   */
  readonly refusal?: Failure | undefined
  /** Settles exactly once, when the upstream's body has ended, failed or been cancelled. Never rejects. */
  readonly outcome: Promise<Outcome>
  /** The target that produced this response; undefined for a refusal of Spillway's own. */
  readonly target: string | undefined
  /** What a `fetch` said of the response besides status, headers and body. */
  readonly fetched?: FetchFacts | undefined
  /** What the answer says; only where the request asked for it (`keepTranscript`). That of a stream grows with the body. */
  readonly transcript?: Transcript | undefined
}
