import { describeAs, link } from './naming.ts'
import type { ModelRequest } from './request.ts'
import type { ModelResponse } from './response.ts'

/**
 * Answers one model call. Resolves at the commit point with the response; resolves for transport and timeout
 * failures too (`response.failure` says so). Rejects only when the caller aborted, with the signal's reason, or
 * on a programming error.
 */
export type Handler = (request: ModelRequest) => Promise<ModelResponse>

/** Wraps a handler in another. `next` may be called any number of times, also concurrently. */
export type Middleware = (next: Handler) => Handler

/**
 * Composes middleware around a handler. The first listed is the outermost: it sees the request first and the
 * response last.
 */
export function compose(middleware: readonly Middleware[], handler: Handler): Handler {
  return middleware.reduceRight((next, wrap) => link(wrap(next), wrap, next), handler)
}

/**
 * Composes middleware into one middleware, to be listed among others. The first listed is the outermost, as in
 * {@link compose}; of none, calls pass through.
 */
export function stack(...middleware: readonly Middleware[]): Middleware {
  const stacked: Middleware = (next) => compose(middleware, next)
  describeAs(stacked, { parts: middleware })
  return stacked
}
