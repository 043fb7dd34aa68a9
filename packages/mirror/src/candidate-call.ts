import type { Target } from '@spillway/attempt'
import {
  deriveRequest,
  type Failure,
  type ModelRequest,
  type ModelResponse,
  type Outcome,
  type ResponseBody,
} from '@spillway/middleware'
import { type CancelTimer, newCallId } from '@spillway/middleware/kit'
import { cancelledFailure, malformedFailure, timeoutFailure, transportFailure } from '@spillway/wire'
import { type FinishedAnswer, finishedAnswer } from './comparison.ts'

/** How long a candidate that was stopped may take to say how far it came, in milliseconds. */
const grace = 1_000

/** An answer that is not streamed is parsed in one go, which takes 2 to 15 ms a MiB; a stream is not. */
const largestWhole = 1024 * 1024

/**
 * How fast a stream is read, once it has had a start: far faster than any model talks, and slow enough that one which talks
 * nonsense as fast as it can takes a few hundredths of a core.
 */
const bytesPerMs = 1024
const startBytes = 64 * 1024

export interface CandidateLimits {
  /** For the whole call, in milliseconds. */
  readonly timeout: number
  /** The most bytes of body that are read. */
  readonly maxBytes: number
  /** Whether the candidate serves the mirror alone. */
  readonly dedicated: boolean
}

/**
 * One call to a candidate. It shares nothing with the primary but the bytes asked: it has a call id, a signal and a
 * its own deadline and notifies no listener of the caller.
 */
export class CandidateCall {
  readonly callId: string
  /** Settles exactly once, whatever the candidate does; never rejects. */
  readonly answer: Promise<FinishedAnswer>
  readonly #request: ModelRequest
  readonly #limits: CandidateLimits
  readonly #startedAt: number
  readonly #leaving = new AbortController()
  readonly #finished = Promise.withResolvers<FinishedAnswer>()
  #cancelTimer: CancelTimer
  #cancelPause: CancelTimer | undefined
  #response: ModelResponse | undefined
  /** Why the call was ended from here. */
  #stopped: Failure | undefined
  #isOver = false

  constructor(primary: ModelRequest, target: Target, limits: CandidateLimits) {
    const { clock, context, timeouts } = primary
    const { timeout } = limits
    this.#limits = limits
    this.#startedAt = clock.now()
    this.callId = newCallId(clock.epoch())
    this.#request = deriveRequest(primary, {
      context: {
        ...context,
        callId: this.callId,
        mirrorOf: context.callId,
        record: undefined,
        target: undefined,
        hasAlternative: undefined,
        isShadow: limits.dedicated ? undefined : true,
        divertedHeaders: primary.headers,
      },
      signal: this.#leaving.signal,
      deadline: this.#startedAt + timeout,
      timeouts: { ...timeouts, total: timeout },
      keepTranscript: true,
      maxHeldBytes: Math.min(limits.maxBytes, largestWhole),
      listeners: [],
    })
    this.answer = this.#finished.promise
    this.#cancelTimer = clock.setTimer(timeout, () => this.#stop(timeoutFailure('total', timeout)))
    this.#ask(target).catch((error: unknown) => this.#finish(undefined, transportFailure(error)))
  }

  /** Ends the call at once. */
  cancel(): void {
    this.#stop({ ...cancelledFailure(), message: 'the mirror was closed', origin: 'spillway' })
  }

  async #ask(target: Target): Promise<void> {
    const response = await target.handler(this.#request)
    this.#response = response
    if (this.#stopped !== undefined || response.failure !== undefined) response.body.cancel()
    else this.#drain(response.body)
    const outcome = await response.outcome
    this.#finish(outcome, outcome.failure)
  }

  /** Reads a body to its end, or as far as the limit allows, and keeps none of it. */
  #drain(body: ResponseBody): void {
    const { maxBytes } = this.#limits
    const { clock } = this.#request
    const begunAt = clock.now()
    let bytes = 0
    body.pipe({
      write: (chunk) => {
        bytes += chunk.length
        if (bytes > maxBytes) this.#stop(malformedFailure(`the answer exceeds ${maxBytes} bytes`))
        const ahead = (bytes - startBytes) / bytesPerMs - (clock.now() - begunAt)
        if (ahead <= 0 || this.#stopped !== undefined) return true
        this.#cancelPause = clock.setTimer(ahead, () => body.resume())
        return false
      },
      end: () => {},
      fail: () => {},
    })
  }

  /** Makes the candidate end, and does not rely on its doing so. */
  #stop(failure: Failure): void {
    if (this.#isOver || this.#stopped !== undefined) return
    this.#stopped = failure
    this.#cancelTimer()
    this.#cancelTimer = this.#request.clock.setTimer(grace, () => this.#finish(undefined, failure))
    this.#response?.body.cancel()
    this.#leaving.abort(new Error(failure.message))
  }

  #finish(outcome: Outcome | undefined, failure: Failure | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#cancelTimer()
    this.#cancelPause?.()
    this.#finished.resolve(
      finishedAnswer({
        startedAt: this.#startedAt,
        endedAt: this.#request.clock.now(),
        response: this.#response,
        outcome,
        failure: this.#stopped ?? failure,
      }),
    )
  }
}
