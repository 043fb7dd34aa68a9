import type { AttemptRow } from '@spillway/ledger'
import { deriveRequest, listen, type Middleware, type ModelRequest } from '@spillway/middleware'
import type { PriceTable } from '@spillway/usage'

/** An endpoint as it stands in the books: never with a secret. */
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

/** An attempt that has ended, and how it was booked. */
export interface TrailAttempt {
  readonly upstream: Upstream
  readonly row: AttemptRow
}

/** What happened to one call, collected on its way. */
export interface CallTrail {
  readonly attempts: TrailAttempt[]
  /** Hedges that have been started and have not reached their client, by endpoint. A call is with one target at a time. */
  readonly hedges: Set<string>
  /** Why the first target did not answer. */
  fallback: string | undefined
}

declare module '@spillway/middleware' {
  interface RequestContext {
    /** What happened to this call so far. */
    readonly trail?: CallTrail | undefined
    /** The address that the call came from. */
    readonly from?: string | undefined
    /** The endpoint whose chain this request is in. */
    readonly upstream?: Upstream | undefined
  }
}

/** Begins the trail of each call; outside of everything that reads it. */
export const followCalls: Middleware = (next) => (request) => {
  const trail: CallTrail = { attempts: [], hedges: new Set(), fallback: undefined }
  const followed = listen(request, (event) => {
    if (event.type === 'hedge.started') trail.hedges.add(event.endpoint)
    else if (event.type === 'fallback.switched') trail.fallback ??= event.failure.kind
  })
  return next(deriveRequest(followed, { context: { ...request.context, trail } }))
}

/** Names the endpoint to all that is further in. */
export function nameUpstream(upstream: Upstream): Middleware {
  return (next) => (request) => next(deriveRequest(request, { context: { ...request.context, upstream } }))
}

/** Keeps an attempt in the trail of its call as it is booked. */
export function followAttempt(row: AttemptRow, { context: { trail, upstream } }: ModelRequest): void {
  if (upstream !== undefined) trail?.attempts.push({ upstream, row })
}
