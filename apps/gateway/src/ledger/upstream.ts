import { deriveRequest, type Middleware, named } from '@spillway/middleware'
import type { PriceTable } from '@spillway/usage'

/** An endpoint as the ledger names it: never with a secret. */
export interface Upstream {
  readonly target: string
  readonly endpoint: string
  /** Who is paid. */
  readonly provider: string
  /** Its base URL; undefined for a model inside this process. */
  readonly url?: string | undefined
  /** The reference of its credential, such as `vault:claude`; never the value. */
  readonly credential?: string | undefined
  /** What its models cost. @default the published prices */
  readonly prices?: PriceTable | undefined
}

declare module '@spillway/middleware' {
  interface RequestContext {
    /** The address that the call came from. */
    readonly from?: string | undefined
    /** The endpoint whose chain this request is in. */
    readonly upstream?: Upstream | undefined
  }
}

/** Names the endpoint to all that is further in. */
export function nameUpstream(upstream: Upstream): Middleware {
  const { endpoint } = upstream
  const naming: Middleware = (next) => (request) =>
    next(deriveRequest(request, { context: { ...request.context, endpoint, upstream } }))
  return named(naming, 'upstream', { hidden: true })
}
