import { emit, type Failure, type ModelRequest } from '@spillway/middleware'
import { isEndpointFailure, isKeyFailure } from '@spillway/wire'
import { wasCutShort } from '@spillway/wire/internal'
import type { CallersKeys } from './callers-keys.ts'
import type { Choice, Pool } from './choice.ts'
import { type AnswerKind, type Endpoint, type Key, kindOf } from './endpoint.ts'
import { Latencies } from './latencies.ts'
import type { EjectionReason, Outliers } from './outliers.ts'

/** One request sent to one endpoint, and what the endpoint was then. */
export interface Sent {
  readonly endpoint: Endpoint
  readonly request: ModelRequest
  readonly startedAt: number
  readonly isProbe: boolean
  readonly ejection: number
  readonly key: Key
  readonly keyGeneration: number
}

/** How long a 429 that names no time keeps calls away, in milliseconds. */
const usualPause = 1_000

/** A key whose limit is said to be reached until next month is tried again after an hour: people raise limits. */
const longestRefusal = 3_600_000

/** How many latencies are kept for quantiles over all endpoints. */
const keptLatencies = 256

/** Learns from the outcomes of calls. The only place that changes what is known of an endpoint's health. */
export class Health {
  /** Over all endpoints, for hedges. */
  readonly latencies: Readonly<Record<AnswerKind, Latencies>> = {
    streamed: new Latencies(keptLatencies),
    whole: new Latencies(keptLatencies),
  }
  readonly #pool: Pool
  readonly #outliers: Outliers
  readonly #maxRetryAfter: number
  readonly #callers: CallersKeys | undefined

  /**
   * @param maxRetryAfter no 429 keeps calls away for longer, in milliseconds
   * @param callers where what the vendor says of callers' own keys is kept; undefined where it is not
   */
  constructor(pool: Pool, outliers: Outliers, maxRetryAfter: number, callers: CallersKeys | undefined) {
    this.#pool = pool
    this.#callers = callers
    this.#outliers = outliers
    this.#maxRetryAfter = maxRetryAfter
  }

  /** A request is about to be sent. */
  begin({ endpoint, key, reason }: Choice, request: ModelRequest): Sent {
    const startedAt = request.clock.now()
    const { ejection } = endpoint
    const isProbe = reason === 'probe'
    if (isProbe) {
      if (ejection.isOut) ejection.beginProbe()
      if (key.suspension.isOut) key.suspension.beginProbe()
    }
    endpoint.inFlight++
    this.#pool.inFlight++
    endpoint.started.add(startedAt)
    return {
      endpoint,
      request,
      startedAt,
      isProbe,
      ejection: ejection.generation,
      key,
      keyGeneration: key.suspension.generation,
    }
  }

  /** The call is over as far as the endpoint is concerned. */
  release({ endpoint }: Sent): void {
    endpoint.inFlight--
    this.#pool.inFlight--
  }

  /** The caller has given up. It took at least as long as until now. */
  abandoned(sent: Sent): void {
    const { endpoint, request, startedAt } = sent
    if (request.context.isShadow) return
    const now = request.clock.now()
    const kind = kindOf(request)
    const usual = this.#pool.usual[kind]
    const known = endpoint.latency[kind].value(now, usual)
    if (now - startedAt > known && known > 0) endpoint.latency[kind].observe(now - startedAt, now, usual)
    this.#endProbe(sent)
  }

  /**
   * The first content of a stream or the whole of another answer has come. Not yet a success.
   * @returns how long that took
   */
  committed(sent: Sent): number {
    const { endpoint, request, startedAt } = sent
    this.#endProbe(sent)
    const now = request.clock.now()
    const latency = now - startedAt
    if (request.operation !== 'generate' || request.context.isShadow) return latency
    const kind = kindOf(request)
    const { usual } = this.#pool
    usual[kind] = usual[kind] === 0 ? latency : usual[kind] * 0.95 + latency * 0.05
    endpoint.latency[kind].observe(latency, now, usual[kind])
    endpoint.recent[kind].add(latency, now)
    this.latencies[kind].add(latency, now)
    return latency
  }

  /**
   * How a call has ended. Of a shadow call only a 429 is learned, which holds for all calls with its key: what
   * fails for comparison is to take no endpoint from others.
   */
  ended(sent: Sent, failure: Failure | undefined, latency: number | undefined): void {
    if (
      sent.request.context.isShadow &&
      (failure?.kind !== 'rate_limited' || failure.origin === 'spillway')
    ) {
      return
    }
    if (failure === undefined) return this.#answered(sent, latency)
    if (failure.origin === 'spillway' || failure.kind === 'cancelled') return this.#endProbe(sent)
    const { request, key } = sent
    if (key.isCallers && failure.scope === 'key') {
      // What the vendor says of one caller's key holds for no other's, and the endpoint works.
      this.#endpointAnswered(sent, latency)
      const callersKey = this.#callers?.at(request)
      if (callersKey !== undefined) this.#blame(callersKey, sent, failure)
      return
    }
    // A request that no limit is large enough for says nothing about the others.
    const isLimited = failure.kind === 'rate_limited' && failure.scope !== 'request'
    if (isKeyFailure(failure) || isLimited) return this.#blame(key, sent, failure)
    if (isEndpointFailure(failure)) {
      return this.#cameTooLate(sent, failure) ? this.#endProbe(sent) : this.#failed(sent)
    }
    // A caller error comes from an endpoint that works.
    this.#answered(sent, latency)
  }

  /** A call whose own deadline left it hardly any time says nothing about the endpoint. */
  #cameTooLate({ request, startedAt }: Sent, failure: Failure): boolean {
    return wasCutShort(failure, request.clock.now() - startedAt, this.#pool.usual[kindOf(request)])
  }

  /** The vendor refuses a key, or asks to be left alone by it for a while. */
  #blame(key: Key, sent: Sent, failure: Failure): void {
    if (failure.kind !== 'rate_limited') return this.#keyRefused(key, sent, failure)
    const pause = Math.min(failure.retryAfterMs ?? usualPause, this.#maxRetryAfter)
    key.pausedUntil = Math.max(key.pausedUntil, sent.request.clock.now() + pause)
    this.#endProbe(sent)
  }

  #answered(sent: Sent, latency: number | undefined): void {
    const { endpoint, request, key } = sent
    if (key.suspension.isOut && key.suspension.generation === sent.keyGeneration) {
      key.suspension.restore(request.clock.now())
      emit(request, 'endpoint.recovered', { endpoint: endpoint.name, key: key.name })
    }
    this.#endpointAnswered(sent, latency)
  }

  #endpointAnswered(sent: Sent, latency: number | undefined): void {
    const { endpoint, request } = sent
    const now = request.clock.now()
    const kind = kindOf(request)
    const { ejection } = endpoint
    this.#endProbe(sent)
    if (ejection.generation !== sent.ejection) return
    if (ejection.isOut) {
      if (latency !== undefined && this.#outliers.isSlow(endpoint, kind, latency)) {
        if (sent.isProbe) this.#eject(sent, 'probe_failed')
      } else this.#recover(sent)
      return
    }
    endpoint.consecutiveFailures = 0
    endpoint.succeeded.add(now)
    const reason = this.#outliers.afterAnswer(endpoint, kind, now)
    if (reason !== undefined && this.#outliers.mayEject(endpoint)) this.#eject(sent, reason)
  }

  #failed(sent: Sent): void {
    const { endpoint, request } = sent
    const { ejection } = endpoint
    const now = request.clock.now()
    this.abandoned(sent)
    if (ejection.generation !== sent.ejection) return
    if (ejection.isOut) {
      if (sent.isProbe) this.#eject(sent, 'probe_failed')
      return
    }
    endpoint.consecutiveFailures++
    endpoint.failed.add(now)
    const reason = this.#outliers.afterFailure(endpoint, now)
    if (reason !== undefined && this.#outliers.mayEject(endpoint)) this.#eject(sent, reason)
  }

  #keyRefused(key: Key, sent: Sent, { retryAfterMs = 0 }: Failure): void {
    const { endpoint, request } = sent
    this.#endProbe(sent)
    if (key.suspension.generation !== sent.keyGeneration || (key.suspension.isOut && !sent.isProbe)) return
    const forMs = key.suspension.suspend(request.clock.now(), Math.min(retryAfterMs, longestRefusal))
    emit(request, 'endpoint.ejected', { endpoint: endpoint.name, reason: 'key', key: key.name, forMs })
  }

  #eject({ endpoint, request }: Sent, reason: EjectionReason): void {
    const forMs = endpoint.ejection.suspend(request.clock.now())
    emit(request, 'endpoint.ejected', { endpoint: endpoint.name, reason, forMs })
  }

  /** Forgets its statistics: those of bad times would keep it from its share. */
  #recover({ endpoint, request }: Sent): void {
    endpoint.ejection.restore(request.clock.now())
    endpoint.consecutiveFailures = 0
    endpoint.succeeded.clear()
    endpoint.failed.clear()
    for (const kind of ['streamed', 'whole'] as const) {
      endpoint.latency[kind].forget()
      endpoint.recent[kind].clear()
    }
    emit(request, 'endpoint.recovered', { endpoint: endpoint.name })
  }

  #endProbe({ endpoint, isProbe, ejection, key, keyGeneration }: Sent): void {
    if (!isProbe) return
    if (endpoint.ejection.generation === ejection) endpoint.ejection.endProbe()
    if (key.suspension.generation === keyGeneration) key.suspension.endProbe()
  }
}
