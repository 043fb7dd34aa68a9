import type { Transport, TransportSink } from '@spillway/attempt'
import type { Clock, ModelRequest } from '@spillway/middleware'
import { errorAnswer, jsonAnswer, streamedAnswer } from './answer.ts'
import type { AttemptPlan } from './attempt-plan.ts'

/** Something that happens to an attempt; milliseconds after its start. */
interface Step {
  readonly at: number
  readonly act: (sink: TransportSink) => void
}

/** A transport without a network: what comes back, comes by timers of the request's own clock. */
export function simulatedTransport(planOf: (request: ModelRequest) => AttemptPlan): Transport {
  return (request, sink) => play(request.clock, stepsOf(planOf(request), request), sink)
}

function play(clock: Clock, steps: readonly Step[], sink: TransportSink): ReturnType<Transport> {
  const startedAt = clock.now()
  let cancel = (): void => {}
  const next = (index: number): void => {
    const step = steps[index]
    if (step === undefined) return
    cancel = clock.setTimer(startedAt + step.at - clock.now(), () => {
      // The next timer first: the sink may abort.
      next(index + 1)
      step.act(sink)
    })
  }
  next(0)
  // The answers are short, so nobody falls behind: there is nothing to pause.
  return { pause() {}, resume() {}, abort: () => cancel() }
}

function stepsOf(plan: AttemptPlan, request: ModelRequest): Step[] {
  const { callId } = request.context
  switch (plan.fault) {
    case undefined:
      return request.stream
        ? streamSteps(plan, callId, request.model)
        : wholeSteps(plan, callId, request.model)
    case 'rate_limited':
      return errorSteps(plan, 429, 'rate_limit_error', { 'retry-after': '1' })
    case 'overloaded':
      return errorSteps(plan, 529, 'overloaded_error')
    case 'server':
      return errorSteps(plan, 500, 'api_error')
    case 'reset':
      return [{ at: plan.headers, act: (sink) => sink.error(systemError('read', 'ECONNRESET')) }]
    case 'refused':
      return [{ at: plan.headers, act: (sink) => sink.error(systemError('connect', 'ECONNREFUSED')) }]
    case 'stall':
      // A stream begins and has no content; anything else does not even begin.
      return request.stream ? streamSteps(plan, callId, request.model).slice(0, 1) : []
  }
}

function streamSteps(plan: AttemptPlan, call: string, model: string): Step[] {
  const { opening, deltas } = streamedAnswer(call, model)
  const between = (plan.lastByte - plan.firstContent) / Math.max(1, deltas.length - 1)
  return [
    {
      at: plan.headers,
      act(sink) {
        sink.headers(200, { 'content-type': 'text/event-stream; charset=utf-8' })
        sink.data(opening)
      },
    },
    ...deltas.map((delta, index) => ({
      at: plan.firstContent + index * between,
      act(sink: TransportSink) {
        sink.data(delta)
        if (index === deltas.length - 1) sink.end()
      },
    })),
  ]
}

function wholeSteps(plan: AttemptPlan, call: string, model: string): Step[] {
  return [{ at: plan.lastByte, act: (sink) => give(sink, 200, {}, jsonAnswer(call, model)) }]
}

function errorSteps(
  plan: AttemptPlan,
  status: number,
  type: string,
  headers: Readonly<Record<string, string>> = {},
): Step[] {
  return [{ at: plan.headers, act: (sink) => give(sink, status, headers, errorAnswer(type)) }]
}

function give(
  sink: TransportSink,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): void {
  sink.headers(status, { 'content-type': 'application/json', ...headers })
  sink.data(body)
  sink.end()
}

function systemError(call: string, code: string): Error {
  return Object.assign(new Error(`${call} ${code}`), { code })
}
