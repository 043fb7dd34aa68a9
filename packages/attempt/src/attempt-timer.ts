import type { Failure, ModelRequest } from '@spillway/middleware'
import { type CancelTimer, defaultStreamHeaders, type TimeoutPhase } from '@spillway/middleware/kit'
import { cancelledFailure, timeoutFailure } from '@spillway/wire'

/**
 * leaving: the request has not left yet, since it waits for a connection; waiting: nothing has come; whole: collecting an
 * answer that was not to be streamed; error: collecting what is said with an error's status; holding: a stream before its
 * first block; begun: a stream with an open block, before its first content; streaming: committed; done: `outcome` is
 * settled.
 */
export type AttemptPhase =
  | 'leaving'
  | 'waiting'
  | 'whole'
  | 'error'
  | 'holding'
  | 'begun'
  | 'streaming'
  | 'done'

/** How long the body of an error is waited for, in milliseconds: what counts is known by its status and headers. */
const errorTime = 5_000

/** How long a body may wait for a reader that takes nothing. */
const unreadLimit = 300_000

/** What the timer asks of a body: whether its reader is behind, and whether it moves. */
export interface WatchedBody {
  readonly buffered: number
  readonly reads: number
}

/**
 * All limits of one attempt on a single timer. It is armed for the limit that comes first, and when it fires it
 * looks again: so the arrival of a chunk costs one reading of the clock, not a timer, and an answer that is quick one timer in all.
 */
export class AttemptTimer {
  readonly startedAt: number
  readonly #request: ModelRequest
  readonly #onLimit: (failure: Failure) => void
  #phase: AttemptPhase = 'waiting'
  /** When the request left: the limits of the attempt run from here. */
  #leftAt: number
  #enteredAt: number
  #lastByteAt: number
  #paused = false
  #body: WatchedBody | undefined
  #reads = 0
  #lastReadAt = 0
  #cancel: CancelTimer | undefined
  #armedFor = Infinity
  /** The limit that comes first; in fields and not in an object of each look, for speed. */
  #at = Infinity
  #limit: TimeoutPhase | 'unread' = 'total'
  #limitMs = Infinity

  constructor(request: ModelRequest, onLimit: (failure: Failure) => void) {
    this.#request = request
    this.#onLimit = onLimit
    this.startedAt = request.clock.now()
    this.#leftAt = this.startedAt
    this.#enteredAt = this.startedAt
    this.#lastByteAt = this.startedAt
  }

  enter(phase: AttemptPhase): void {
    const hasLeft = this.#phase === 'leaving'
    this.#phase = phase
    this.#enteredAt = this.#request.clock.now()
    if (hasLeft) this.#leftAt = this.#enteredAt
    this.#lastByteAt = this.#enteredAt
    this.#arm(this.#enteredAt)
  }

  /** Something has arrived. */
  touch(): void {
    this.#lastByteAt = this.#request.clock.now()
  }

  /** From here on the body may not wait for its reader for ever. */
  watchReader(body: WatchedBody): void {
    if (this.#body !== undefined) return
    this.#body = body
    this.#lastReadAt = this.#request.clock.now()
    this.#reads = body.reads
    this.#arm(this.#lastReadAt)
  }

  pause(): void {
    this.#paused = true
    this.#arm()
  }

  resume(): void {
    this.#paused = false
    this.touch()
    this.#arm(this.#lastByteAt)
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#phase = 'done'
  }

  #arm(now: number = this.#request.clock.now()): void {
    if (this.#phase === 'done') return
    const { clock, timeouts } = this.#request
    this.#look()
    const hasNoAnswer = this.#phase === 'leaving' || this.#phase === 'waiting'
    // Not later than what will come first when the answer begins: else each answer would set a second timer.
    const at = hasNoAnswer ? Math.min(this.#at, now + timeouts.idle) : this.#at
    if (at >= this.#armedFor) return
    this.#cancel?.()
    this.#armedFor = at
    this.#cancel = clock.setTimer(at - now, () => this.#fire())
  }

  #fire(): void {
    this.#cancel = undefined
    this.#armedFor = Infinity
    this.#look()
    if (this.#at > this.#request.clock.now()) return this.#arm()
    this.#onLimit(
      this.#limit === 'unread'
        ? { ...cancelledFailure(), message: 'the body was not read for five minutes' }
        : timeoutFailure(this.#limit, this.#limitMs),
    )
  }

  /** Finds the limit that comes first in this phase. */
  #look(): void {
    const { timeouts, deadline, stream } = this.#request
    const { startedAt } = this
    const leftAt = this.#leftAt
    this.#at = Infinity
    if (this.#phase === 'streaming') {
      this.#consider('stream', leftAt, timeouts.stream)
      if (!this.#paused) this.#consider('idle', this.#lastByteAt, timeouts.idle)
      if (this.#body !== undefined) this.#consider('unread', this.#lastRead(this.#body), unreadLimit)
      return
    }
    this.#consider('total', startedAt, deadline - startedAt)
    if (this.#phase === 'leaving') return
    this.#consider('attempt', leftAt, timeouts.attempt)
    // An open block is progress: current Claude models think for minutes behind an empty one, and send pings meanwhile.
    if (this.#phase === 'begun' || this.#phase === 'whole')
      this.#consider('idle', this.#lastByteAt, timeouts.idle)
    if (stream && this.#phase !== 'begun') this.#consider('first_content', leftAt, timeouts.firstContent)
    if (this.#phase === 'error') this.#consider('idle', this.#enteredAt, errorTime)
    if (this.#phase === 'waiting') {
      this.#consider('headers', leftAt, timeouts.headers ?? (stream ? defaultStreamHeaders : Infinity))
    }
  }

  #consider(limit: TimeoutPhase | 'unread', from: number, limitMs: number): void {
    if (from + limitMs >= this.#at) return
    this.#at = from + limitMs
    this.#limit = limit
    this.#limitMs = limitMs
  }

  /** When the reader last took something or had nothing to take. */
  #lastRead(body: WatchedBody): number {
    const isBehind = body.buffered > 0 || this.#paused
    if (!isBehind || body.reads !== this.#reads) {
      this.#reads = body.reads
      this.#lastReadAt = this.#request.clock.now()
    }
    return this.#lastReadAt
  }
}
