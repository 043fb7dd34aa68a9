import { requestPricing } from '@spillway/ledger'
import { deriveRequest, listen, type Middleware, type Usage } from '@spillway/middleware'
import type { CostFacts } from '@spillway/usage'

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
}

/** An attempt that has ended. */
export interface TrailAttempt {
  readonly upstream: Upstream
  readonly model: string
  readonly usage: Usage | undefined
  /** When it began, in milliseconds since the Unix epoch. */
  readonly at: number
  /** What it asked for that changes its price. */
  readonly pricing: Pick<CostFacts, 'speed' | 'geo'>
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

/** Names the endpoint to all that is further in, and keeps its attempts in the trail. */
export function followAttempts(upstream: Upstream): Middleware {
  return (next) => (request) => {
    const named = deriveRequest(request, { context: { ...request.context, upstream } })
    const { trail } = request.context
    if (trail === undefined) return next(named)
    return next(
      listen(named, (event) => {
        if (event.type !== 'attempt.ended') return
        const { model = request.model, usage, timings } = event.outcome
        const at = request.clock.epoch() - (request.clock.now() - timings.startedAt)
        trail.attempts.push({ upstream, model, usage, at, pricing: requestPricing(request) })
      }),
    )
  }
}
