import {
  createRequest,
  type Failure,
  type FailureKind,
  type Handler,
  type ModelRequest,
  type ModelResponse,
  type Outcome,
  sleep,
} from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject, type NewModelRequest } from '@spillway/middleware/kit'
import type { VirtualClock } from './virtual-clock.ts'

/** A failure of an upstream that may be tried again, but for what `changes` says. */
export function failureOf(kind: FailureKind, changes: Partial<Failure> = {}): Failure {
  return { kind, message: kind, retryable: true, scope: 'endpoint', origin: 'upstream', ...changes }
}

/** A request in the Messages API whose time is that of `clock`. @param changes what differs from a short question, not streamed */
export function requestOn(clock: VirtualClock, changes: Partial<NewModelRequest> = {}): ModelRequest {
  const { model = 'claude-sonnet-5-5', stream = false } = changes
  const messages = [{ role: 'user', content: 'Is the dam full?' }]
  return createRequest({
    ...{ api: 'anthropic', model, stream, url: '/v1/messages', clock },
    body: jsonBodyFromObject({ model, max_tokens: 64, stream, messages }),
    ...changes,
  })
}

/** How one call of a {@link scriptedHandler} goes: a failure, `undefined` for an answer, or an error to reject with. */
export type ScriptLine = Failure | Error | undefined

export interface ScriptedHandlerOptions {
  /** How long each call takes, in milliseconds on the clock of its request. @default 0 */
  readonly takesMs?: number
  /** What an answer says. @default 'The dam is full.' */
  readonly text?: string
}

/** Replaces a target: what a policy is tested around. */
export interface ScriptedHandler {
  readonly handler: Handler
  /** When it was asked, in clock time. */
  readonly asked: readonly number[]
  readonly requests: readonly ModelRequest[]
  /** How many of its answers were cancelled before they were read. */
  readonly cancelled: number
}

/**
 * A handler that follows a script, call by call; the last line repeats.
 * @throws RangeError for an empty script
 */
export function scriptedHandler(
  script: readonly ScriptLine[],
  { takesMs = 0, text = 'The dam is full.' }: ScriptedHandlerOptions = {},
): ScriptedHandler {
  if (script.length === 0) throw new RangeError('a script needs a line: undefined is an answer')
  const requests: ModelRequest[] = []
  const asked: number[] = []
  let cancelled = 0
  const respond = (request: ModelRequest, startedAt: number, failure: Failure | undefined): ModelResponse => {
    const end = request.clock.now() - startedAt
    const outcome: Outcome = {
      ...{ failure, usage: undefined, stopReason: failure === undefined ? 'end_turn' : undefined },
      ...{ model: failure === undefined ? request.model : undefined, bytes: 0 },
      timings: { startedAt, firstContent: failure === undefined ? end : undefined, end },
    }
    const content = failure === undefined ? answerOf(request, text) : errorOf(failure)
    const body = bodyOf(Buffer.from(JSON.stringify(content)))
    const cancel = body.cancel.bind(body)
    body.cancel = (reason) => {
      cancelled++
      cancel(reason)
    }
    return {
      status: failure === undefined ? 200 : (failure.status ?? 503),
      ...{ headers: { 'content-type': 'application/json' }, body, failure },
      ...{ outcome: Promise.resolve(outcome), target: request.context.target ?? 'scripted' },
    }
  }
  return {
    async handler(request) {
      const line = script[Math.min(asked.length, script.length - 1)]
      const startedAt = request.clock.now()
      asked.push(startedAt)
      requests.push(request)
      if (takesMs > 0) await sleep(request.clock, takesMs, request.signal)
      if (line instanceof Error) throw line
      return respond(request, startedAt, line)
    },
    asked,
    requests,
    get cancelled() {
      return cancelled
    },
  }
}

const answerOf = ({ model }: ModelRequest, text: string): object => ({
  ...{ id: 'msg_scripted', type: 'message', role: 'assistant', model, content: [{ type: 'text', text }] },
  ...{ stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 10, output_tokens: 5 } },
})

const errorOf = ({ kind, message }: Failure): object => ({
  type: 'error',
  error: { type: kind, message },
})
