import { type AttemptReport, reportAttempt } from './error.ts'
import type { SpillwayEvent } from './events.ts'
import type { FailureKind } from './failure.ts'
import type { Outcome } from './outcome.ts'
import { deriveRequest, type ModelRequest, type RequestContext } from './request.ts'

/**
 * Why an attempt was made. A `retry` asks a target again that has been asked before, a `fallback` asks another one, a `hedge`
 * asks another endpoint while the first is still at work.
 */
export type AttemptReason = 'primary' | 'retry' | 'hedge' | 'fallback'

/** An attempt of a call that is followed. A policy adds its own facts by declaration merging. */
export interface RecordedAttempt {
  /** 1 for the first of its call. */
  readonly number: number
  readonly reason: AttemptReason
  readonly target: string | undefined
  readonly endpoint: string | undefined
  /** The model as this target was asked for it. */
  readonly model: string
  /** In `clock.now()` time. */
  readonly startedAt: number
  /** The context of the request that was sent. */
  readonly context: RequestContext
  /** Undefined while it runs. */
  outcome: Outcome | undefined
}

/** That a call has gone to another target than the first, or to another model of it. */
export interface FallbackTaken {
  readonly from: string | undefined
  /** The last one that was asked. */
  readonly to: string
  /** Why the first was left. */
  readonly reason: FailureKind | undefined
}

/** How many attempts and reports of one call are kept: the first half of them, and the latest. */
const mostAttempts = 100
const mostReports = 20

/** What policies say, whose types are their own and may not be there. */
interface Told {
  readonly type: string
  readonly target: string | undefined
  readonly to?: string
  readonly endpoint?: string
  readonly failure?: { readonly kind: FailureKind }
}

/**
 * What has happened to one call so far. There is one for each call: whoever counts attempts or tells of them (headers, log,
 * ledger, spans, errors) reads it. {@link emit} writes it before any listener hears of the event.
 */
export class CallRecord {
  readonly callId: string
  /** In `clock.now()` time. */
  readonly startedAt: number
  /** The same in milliseconds since the Unix epoch. */
  readonly startedAtEpoch: number
  /** Attempts in the order of their starts: of more than 100 the first 50 and the last 50. */
  readonly attempts: RecordedAttempt[] = []
  /**
   * What happened to the call on its way, in order: attempts that have ended, and refusals of Spillway's own, such as that of a
   * fallback whose circuit is open. Of more than 20 the first ten and the last ten.
   */
  readonly reports: AttemptReport[] = []
  #begun = 0
  #endedAt: number | undefined
  /** Few at a time, so that a list is quicker than a map. */
  readonly #running: { readonly request: ModelRequest; readonly attempt: RecordedAttempt }[] = []
  /** Endpoints of hedges that have been started and have not sent anything yet. */
  #hedges: string[] | undefined
  /** Who was asked first; a circuit that refuses is a target that was asked, though there is no attempt. */
  #asked: string | undefined
  #first: RecordedAttempt | undefined
  #lastTarget: string | undefined
  #firstFailure: FailureKind | undefined
  #switched: { to: string; reason: FailureKind | undefined } | undefined

  constructor({ clock, context }: ModelRequest) {
    this.callId = context.callId
    this.startedAt = clock.now()
    this.startedAtEpoch = clock.epoch()
  }

  /** Attempts begun, those included that `attempts` no longer holds. */
  get begun(): number {
    return this.#begun
  }

  /** Attempts that have not ended. */
  get running(): number {
    return this.#running.length
  }

  /** When the call ended, in `clock.now()` time: the moment that the first one to hear of it has given. */
  endedAt(now: number): number {
    this.#endedAt ??= now
    return this.#endedAt
  }

  /**
   * Whether another target than the first was asked, or another model. Where no policy says so, the targets of the attempts
   * tell.
   * @param answered the target that answered, where one has
   */
  fallback(answered?: string | undefined): FallbackTaken | undefined {
    if (this.#switched !== undefined) return { from: this.#asked, ...this.#switched }
    const from = this.#first?.target
    const to = answered ?? this.#lastTarget
    if (from === undefined || to === undefined || from === to) return undefined
    return { from, to, reason: this.#firstFailure }
  }

  /** Takes an event of `request`, which is the call's own or one derived from it. */
  hear(event: SpillwayEvent, request: ModelRequest): void {
    const { type, target, to, endpoint, failure } = event as Told
    this.#asked ??= target
    switch (event.type) {
      case 'attempt.started':
        return this.#begin(event.at, request)
      case 'attempt.ended':
        return this.#end(event.outcome, request)
      case 'refused':
        return this.#report({ target, failure: event.failure, durationMs: 0 })
    }
    if (type === 'fallback.switched' && to !== undefined) {
      this.#switched = { to, reason: this.#switched === undefined ? failure?.kind : this.#switched.reason }
    } else if (type === 'hedge.started' && endpoint !== undefined) {
      this.#hedges ??= []
      this.#hedges.push(endpoint)
    } else if (type === 'hedge.lost') {
      this.#takeHedge(endpoint)
    }
  }

  #begin(startedAt: number, request: ModelRequest): void {
    const { context, model } = request
    const { target, endpoint } = context
    const attempt: RecordedAttempt = {
      number: ++this.#begun,
      reason: this.#reasonFor(target, endpoint),
      ...{ target, endpoint, model, startedAt, context },
      outcome: undefined,
    }
    this.#first ??= attempt
    this.#lastTarget = target
    this.#running.push({ request, attempt })
    keep(this.attempts, attempt, mostAttempts)
  }

  #reasonFor(target: string | undefined, endpoint: string | undefined): AttemptReason {
    if (this.#takeHedge(endpoint)) return 'hedge'
    if (this.#first === undefined) return 'primary'
    return target === this.#lastTarget || target === this.#first.target ? 'retry' : 'fallback'
  }

  /** Whether a hedge to this endpoint has been started that has not sent anything yet; it has then. */
  #takeHedge(endpoint: string | undefined): boolean {
    const index = this.#hedges === undefined || endpoint === undefined ? -1 : this.#hedges.indexOf(endpoint)
    if (index < 0) return false
    this.#hedges?.splice(index, 1)
    return true
  }

  #end(outcome: Outcome, request: ModelRequest): void {
    const index = this.#running.findIndex((each) => each.request === request)
    if (index >= 0) {
      const [ended] = this.#running.splice(index, 1)
      if (ended !== undefined) ended.attempt.outcome = outcome
    }
    const { target } = request.context
    if (target === this.#first?.target) this.#firstFailure = outcome.failure?.kind
    this.#report(reportAttempt(target, outcome))
  }

  #report(report: AttemptReport): void {
    keep(this.reports, report, mostReports)
  }
}

function keep<T>(list: T[], item: T, most: number): void {
  if (list.length === most) list.splice(most / 2, 1)
  list.push(item)
}

/** A request of a call that is followed. */
export type RecordedRequest = ModelRequest & { readonly context: { readonly record: CallRecord } }

/**
 * The request with the record of its call in its context: the one that has been begun further out, or a new one.
 */
export function recordCall(request: ModelRequest): RecordedRequest {
  const { context } = request
  if (context.record !== undefined) return request as RecordedRequest
  return deriveRequest(request, {
    context: { ...context, record: new CallRecord(request) },
  }) as RecordedRequest
}
