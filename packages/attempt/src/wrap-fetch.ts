import { compose, type Middleware } from '@spillway/middleware'
import { attempt } from './attempt.ts'
import type { Fetch } from './fetch-call.ts'
import { warnOfFetchLimit } from './fetch-limit.ts'
import { fetchTransport } from './fetch-transport.ts'
import { modelFetch } from './model-fetch.ts'

/**
 * A `fetch` whose model calls pass through middleware, for the `fetch` option of any SDK. The first listed
 * middleware is the outermost. Requests that are not model calls go straight to `fetch`.
 *
 * Limits default to those of `Timeouts`; set others with the `timeouts` middleware. Node's own `fetch` has a limit of
 * 300 s that they cannot lift; the first call that may take longer warns of it (`SPILLWAY_FETCH_LIMIT`).
 */
export function wrapFetch(fetch: Fetch, ...middleware: readonly Middleware[]): Fetch {
  const limit = isNodesOwn(fetch)
    ? [warnOfFetchLimit((text, code) => process.emitWarning(text, { code }))]
    : []
  const handler = compose([...middleware, ...limit], attempt(fetchTransport(fetch)))
  return modelFetch(handler, { otherwise: fetch })
}

const isNodesOwn = (fetch: Fetch): boolean =>
  fetch === globalThis.fetch && globalThis.process?.versions?.node !== undefined && !('Bun' in globalThis)
