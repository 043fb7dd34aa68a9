import { compose, type Middleware } from '@spillway/middleware'
import { attempt } from './attempt.ts'
import type { Fetch } from './fetch-call.ts'
import { warnOfFetchLimit } from './fetch-limit.ts'
import { fetchTransport, mustBeFetch } from './fetch-transport.ts'
import { modelFetch } from './model-fetch.ts'

/**
 * A `fetch` whose model calls pass through middleware, for the `fetch` option of any SDK. The first listed
 * middleware is the outermost. Requests that are not model calls go straight to `fetch`.
 *
 * Limits default to those of `Timeouts`; set others with the `timeouts` middleware. Node's own `fetch` has a limit of
 * 300 s that they cannot lift; the first call that may take longer warns of it (`SPILLWAY_FETCH_LIMIT`).
 *
 * `fetch` may be any: that of the platform, node-fetch, cross-fetch, or a wrapper of your own. What such a wrapper throws
 * is thrown to whoever calls, at once and unchanged, unless it is a failure of the network or has one as its `cause`.
 * @throws TypeError for a `fetch` that is no function
 */
export function wrapFetch(fetch: Fetch, ...middleware: readonly Middleware[]): Fetch {
  mustBeFetch(fetch)
  const limit = isNodesOwn(fetch)
    ? [warnOfFetchLimit((text, code) => process.emitWarning(text, { code }))]
    : []
  const handler = compose([...middleware, ...limit], attempt(fetchTransport(fetch)))
  return modelFetch(handler, { otherwise: fetch })
}

const isNodesOwn = (fetch: Fetch): boolean =>
  fetch === globalThis.fetch && globalThis.process?.versions?.node !== undefined && !('Bun' in globalThis)
