import {
  deriveRequest,
  type EventMap,
  emit,
  type Middleware,
  type ModelRequest,
  type ModelResponse,
  named,
  type Outcome,
} from '@spillway/middleware'
import { type CancelTimer, holdBody } from '@spillway/middleware/kit'
import { conversationOf } from '@spillway/wire'
import { hashFraction } from '@spillway/wire/internal'
import { CallBudget } from './call-budget.ts'
import { CandidateCall } from './candidate-call.ts'
import { type Comparison, type FinishedAnswer, finishedAnswer, similarityOf } from './comparison.ts'
import { type MirrorOptions, type MirrorSettings, mirrorSettings } from './mirror-options.ts'

/** Why a sampled call did not go to the candidate. */
export type DropReason = 'concurrency' | 'budget' | 'busy' | 'closed'

// Here, and not beside the candidate's call: the published declarations have this file, and that one nowhere.
declare module '@spillway/middleware' {
  interface RequestContext {
    /** The `callId` of the call that this one repeats for comparison. */
    readonly mirrorOf?: string | undefined
  }
}

/**
 * What a mirror has done so far. `sampled` is the sum of `skipped`, `dropped`, `started` and the calls that the primary
 * is still at; `started` is the sum of `finished` and `active`.
 */
export interface MirrorStats {
  /** Calls that belong to the sample. */
  readonly sampled: number
  /** Those that were not mirrored because the primary failed or was cancelled. */
  readonly skipped: number
  /** Those that were not mirrored since there was no capacity; `busy`: none at the candidate. */
  readonly dropped: Readonly<Record<DropReason, number>>
  /** Calls that went to the candidate. */
  readonly started: number
  /** Candidate calls in flight. */
  readonly active: number
  /** Candidate calls that are over, each with a comparison. */
  readonly finished: number
  /** The part of `finished` in which the candidate failed or was cancelled. */
  readonly failed: number
  /** Errors thrown by `onComparison`. */
  readonly listenerErrors: number
}

/** Shadow traffic to one candidate. */
export interface Mirror extends AsyncDisposable {
  /** Goes outside of `fallback`, so that it fires once a call. */
  readonly middleware: Middleware
  stats(): MirrorStats
  /**
   * Cancels what is in flight and resolves when each of those calls has its comparison, at most a second later. Calls
   * that come afterwards pass without being mirrored.
   */
  close(): Promise<void>
}

/**
 * Sends a sampled share of calls to a candidate as well and compares the answers. The candidate is asked when the
 * primary's `outcome` has settled, in another turn of the event loop, and only if the primary has answered: the caller
 * waits for nothing and sees nothing of it. Token counts (`count_tokens`) are not mirrored.
 *
 * @throws RangeError for options out of range
 */
export function createMirror(options: MirrorOptions): Mirror {
  return new RunningMirror(mirrorSettings(options))
}

/**
 * The middleware of {@link createMirror} alone, for a mirror that is never closed.
 * @throws RangeError for options out of range
 */
export function mirror(options: MirrorOptions): Middleware {
  return createMirror(options).middleware
}

/** A call of the sample. */
interface SampledCall {
  readonly request: ModelRequest
  readonly startedAt: number
  /** The candidate is sent the same bytes, when the call itself is over. */
  readonly letGo: () => void
}

class RunningMirror implements Mirror {
  readonly middleware: Middleware
  readonly #settings: MirrorSettings
  readonly #budget: CallBudget
  /** Candidate calls whose turn of the event loop has not come, by what keeps them from it. */
  readonly #waiting = new Map<CancelTimer, SampledCall>()
  readonly #active = new Map<CandidateCall, Promise<void>>()
  readonly #dropped: Record<DropReason, number> = { concurrency: 0, budget: 0, busy: 0, closed: 0 }
  #sampled = 0
  #skipped = 0
  #finished = 0
  #failed = 0
  #listenerErrors = 0
  #isClosed = false

  constructor(settings: MirrorSettings) {
    this.#settings = settings
    this.#budget = new CallBudget(settings.callsPerMinute)
    const { sample, to } = settings
    const mirroring: Middleware = (next) => (request) => {
      if (!this.#isSampled(request)) return next(request)
      const call = { request, startedAt: request.clock.now(), letGo: holdBody(request.body) }
      const answer = next(deriveRequest(request, { keepTranscript: true }))
      this.#sampled++
      answer.then(
        (response) => this.#watch(call, response),
        () => this.#skip(call),
      )
      return answer
    }
    const branches = [{ kind: 'candidate', name: to.name, handler: to.handler }]
    this.middleware = named(mirroring, 'mirror', { options: { sample }, branches })
  }

  stats(): MirrorStats {
    return {
      sampled: this.#sampled,
      skipped: this.#skipped,
      dropped: { ...this.#dropped },
      started: this.#active.size + this.#finished,
      active: this.#active.size,
      finished: this.#finished,
      failed: this.#failed,
      listenerErrors: this.#listenerErrors,
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const [cancel, call] of this.#waiting) {
      cancel()
      this.#drop(call, 'closed')
    }
    this.#waiting.clear()
    for (const call of this.#active.keys()) call.cancel()
    await Promise.all(this.#active.values())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The candidate's name is part of the draw, so that no two mirrors and no other sample pick the same conversations. */
  #isSampled(request: ModelRequest): boolean {
    const { sample, to } = this.#settings
    if (sample === 0 || this.#isClosed || request.operation !== 'generate') return false
    if (sample === 1) return true
    const key = conversationOf(request)?.key ?? request.context.callId
    return hashFraction(`mirror ${to.name} ${key}`) < sample
  }

  #watch(call: SampledCall, response: ModelResponse): void {
    if (response.failure !== undefined) return this.#skip(call)
    response.outcome.then(
      (outcome) => {
        if (outcome.failure !== undefined) return this.#skip(call)
        this.#offer(call, response, outcome)
      },
      () => this.#skip(call),
    )
  }

  #skip({ letGo }: SampledCall): void {
    this.#skipped++
    letGo()
  }

  #offer(call: SampledCall, response: ModelResponse, outcome: Outcome): void {
    const { request, startedAt } = call
    const reason = this.#reasonToDrop(request)
    if (reason !== undefined) return this.#drop(call, reason)
    const { clock } = request
    const endedAt = clock.now()
    const cancel = clock.setTimer(0, () => {
      this.#waiting.delete(cancel)
      const primary = finishedAnswer({ startedAt, endedAt, response, outcome, failure: undefined })
      this.#start(call, primary)
    })
    this.#waiting.set(cancel, call)
  }

  /** The budget is asked last, since it is charged when it agrees. */
  #reasonToDrop({ clock }: ModelRequest): DropReason | undefined {
    if (this.#isClosed) return 'closed'
    if (this.#active.size + this.#waiting.size >= this.#settings.concurrency) return 'concurrency'
    return this.#budget.take(clock.now()) ? undefined : 'budget'
  }

  #drop({ request, letGo }: SampledCall, reason: DropReason): void {
    this.#dropped[reason]++
    this.#tell(request, 'mirror.dropped', { reason })
    letGo()
  }

  #start(sampled: SampledCall, primary: FinishedAnswer): void {
    const call = new CandidateCall(sampled.request, this.#settings.to, this.#settings)
    this.#active.set(
      call,
      call.answer.then((candidate) => this.#finish(sampled, call, primary, candidate)),
    )
  }

  #finish(
    sampled: SampledCall,
    call: CandidateCall,
    primary: FinishedAnswer,
    candidate: FinishedAnswer,
  ): void {
    this.#active.delete(call)
    const { request, letGo } = sampled
    const { failure } = candidate.compared
    // It never got there, and that says nothing about its answers.
    if (failure?.kind === 'saturated' && failure.origin === 'spillway') return this.#drop(sampled, 'busy')
    this.#finished++
    if (failure !== undefined) this.#failed++
    const comparison: Comparison = {
      callId: request.context.callId,
      candidateCallId: call.callId,
      conversation: conversationOf(request)?.key,
      api: request.api,
      model: request.model,
      stream: request.stream,
      primary: primary.compared,
      candidate: candidate.compared,
      textSimilarity: similarityOf(primary, candidate),
    }
    this.#hand(comparison)
    this.#tell(request, 'mirror.finished', { comparison })
    letGo()
  }

  #tell<T extends 'mirror.finished' | 'mirror.dropped'>(
    request: ModelRequest,
    type: T,
    data: EventMap[T],
  ): void {
    emit(request, type, data)
  }

  /** No caller could catch an error, and it must not crash the process. */
  #hand(comparison: Comparison): void {
    const fail = (): void => {
      this.#listenerErrors++
    }
    try {
      const result: unknown = this.#settings.onComparison?.(comparison)
      if (result instanceof Promise) result.catch(fail)
    } catch {
      fail()
    }
  }
}
