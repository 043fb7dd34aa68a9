import {
  createRequest,
  type Failure,
  type FailureKind,
  type Handler,
  type ModelRequest,
  type ModelResponse,
} from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject, type NewModelRequest } from '@spillway/middleware/kit'
import type { VirtualClock } from '@spillway/testing'
import { failureResponse } from '@spillway/wire'

/** A failure as it stands in tables: its kind, and what differs from the usual. */
export function failureOf(kind: FailureKind, changes: Partial<Failure> = {}): Failure {
  return { kind, message: kind, retryable: true, scope: 'endpoint', origin: 'upstream', ...changes }
}

/** A handler that goes through a script, the last line of which repeats; `undefined` is an answer. */
export interface ScriptedTarget {
  readonly handler: Handler
  /** When it was asked, in clock time. */
  readonly asked: readonly number[]
  /** How many of its responses were dropped. */
  readonly cancelled: number
}

export function scriptedTarget(script: readonly (Failure | undefined)[], takesMs = 0): ScriptedTarget {
  const asked: number[] = []
  let cancelled = 0
  const answer = (request: ModelRequest, failure: Failure | undefined): ModelResponse => {
    const outcome = new Promise<never>(() => {})
    const response: ModelResponse =
      failure === undefined
        ? { status: 200, headers: {}, body: bodyOf(new Uint8Array([1])), failure, outcome, target: 'claude' }
        : failureResponse(request, failure, { outcome })
    const cancel = response.body.cancel.bind(response.body)
    response.body.cancel = (reason) => {
      cancelled++
      cancel(reason)
    }
    return response
  }
  return {
    async handler(request) {
      const failure = script[Math.min(asked.length, script.length - 1)]
      asked.push(request.clock.now())
      if (takesMs > 0) await new Promise<void>((resolve) => request.clock.setTimer(takesMs, resolve))
      return answer(request, failure)
    },
    asked,
    get cancelled() {
      return cancelled
    },
  }
}

export function requestOn(clock: VirtualClock, changes: Partial<NewModelRequest> = {}): ModelRequest {
  return createRequest({
    api: 'anthropic',
    model: 'claude-sonnet-5-5',
    stream: false,
    url: '/v1/messages',
    body: jsonBodyFromObject({ model: 'claude-sonnet-5-5' }),
    clock,
    ...changes,
  })
}
