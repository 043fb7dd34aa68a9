import { compose, type Middleware } from '@spillway/middleware'
import { emitWarning } from '@spillway/middleware/kit'
import { attempt } from './attempt.ts'
import type { Fetch } from './fetch-call.ts'
import { warnOfFetchLimit } from './fetch-limit.ts'
import { fetchTransport, mustBeFetch } from './fetch-transport.ts'
import { modelFetch } from './model-fetch.ts'
import { type NotCovered, warnOfNotCovered } from './not-covered.ts'

/** A `fetch` for {@link wrapFetch} with what else there is to say. */
export interface WrappedFetch {
  readonly fetch: Fetch
  /**
   * Hears of POSTs of a model API that pass no policy, such as batches, files, or a path that Spillway does not know; once
   * for each kind, of eight kinds at most.
   * @default a warning of the process, `SPILLWAY_NOT_COVERED`
   */
  readonly onNotCovered?: ((call: NotCovered) => void) | undefined
}

/**
 * A `fetch` whose model calls pass through middleware, for the `fetch` option of any SDK. The first listed
 * middleware is the outermost. Model calls are those of Anthropic Messages (first-party, and as Bedrock's InvokeModel and Vertex AI
 * wrap them), OpenAI chat completions and OpenAI Responses. All other requests go straight to `fetch`; where one is a POST of a
 * model API, a warning says so once (`SPILLWAY_NOT_COVERED`, see {@link WrappedFetch}).
 *
 * Limits default to those of `Timeouts`; set others with the `timeouts` middleware. Node's own `fetch` has a limit of
 * 300 s that they cannot lift; the first call that may take longer warns of it (`SPILLWAY_FETCH_LIMIT`).
 *
 * `fetch` may be any: that of the platform, node-fetch, cross-fetch, or a wrapper of your own. It gets a call in the form in
 * which the wrapped one got it: text as text, `Headers` as `Headers`, a `Request` as a `Request`, and all other options.
 * What such a wrapper throws is thrown to whoever calls, at once and unchanged, unless it is a failure of the network or
 * has one as its `cause`.
 * @throws TypeError for a `fetch` that is no function
 */
export function wrapFetch(fetch: Fetch | WrappedFetch, ...middleware: readonly Middleware[]): Fetch {
  const { fetch: inner, onNotCovered = warnOfNotCovered } =
    typeof fetch === 'object' && fetch ? fetch : { fetch }
  mustBeFetch(inner)
  const limit = isNodesOwn(inner) ? [warnOfFetchLimit(emitWarning)] : []
  const handler = compose([...middleware, ...limit], attempt(fetchTransport(inner)))
  return withPropertiesOf(inner, modelFetch(handler, { otherwise: inner, onNotCovered }))
}

/** Some SDKs ask a `fetch` for the `Response` or `Headers` that belong to it, as node-fetch has them; Bun's has `preconnect`. */
function withPropertiesOf(inner: Fetch, wrapped: Fetch): Fetch {
  for (const name of Object.keys(inner)) {
    if (!Object.hasOwn(wrapped, name))
      Reflect.defineProperty(wrapped, name, { get: () => Reflect.get(inner, name) })
  }
  return wrapped
}

const isNodesOwn = (fetch: Fetch): boolean =>
  fetch === globalThis.fetch && globalThis.process?.versions?.node !== undefined && !('Bun' in globalThis)
