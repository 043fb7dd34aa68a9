import { compose, type Middleware } from '@spillway/middleware'
import { attempt } from './attempt.ts'
import type { Fetch } from './fetch-call.ts'
import { fetchTransport } from './fetch-transport.ts'
import { modelFetch } from './model-fetch.ts'

/**
 * A `fetch` whose model calls pass through middleware, for the `fetch` option of any SDK. The first listed
 * middleware is the outermost. Requests that are not model calls go straight to `fetch`.
 *
 * Limits default to those of `Timeouts`; set others with the `timeouts` middleware.
 */
export function wrapFetch(fetch: Fetch, ...middleware: readonly Middleware[]): Fetch {
  return modelFetch(compose(middleware, attempt(fetchTransport(fetch))), { otherwise: fetch })
}
