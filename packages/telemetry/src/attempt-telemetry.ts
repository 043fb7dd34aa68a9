import { type Context, context, propagation, type Span, SpanKind, trace } from '@opentelemetry/api'
import {
  deriveRequest,
  listen,
  type Middleware,
  type ModelRequest,
  type ModelResponse,
  named,
  type Outcome,
} from '@spillway/middleware'
import { guardListener, type RequestHeaders, withDefaults } from '@spillway/middleware/kit'
import { cancelledFailure } from '@spillway/wire'
import { parentContext, type SpanTime, spanTime } from './call-trace.ts'
import { memo } from './memo.ts'
import { errorTypeOf, markError, markFailure } from './observed-call.ts'
import { failureAttributes, setAttempt } from './outcome-attributes.ts'
import { tracerSource } from './providers.ts'
import { serverAttributes } from './request-attributes.ts'
import type { TracingOptions } from './telemetry-options.ts'

export interface AttemptTelemetryOptions extends TracingOptions {
  /**
   * Whether the upstream is told of the trace, by the registered propagators.
   * @default true
   */
  readonly propagate?: boolean
  /** The endpoint's base URL, where the request's own is not absolute; names the server in the span. */
  readonly server?: string | undefined
}

/** The defaults of {@link AttemptTelemetryOptions}. */
export const attemptTelemetryDefaults: Required<Pick<AttemptTelemetryOptions, 'propagate'>> = {
  propagate: true,
}

/**
 * A span for each attempt, inside the span of its call, and the trace's context in the headers that go upstream. The
 * innermost of a chain, just around the attempt. Costs nothing while no SDK is registered.
 */
export function attemptTelemetry(options: AttemptTelemetryOptions = {}): Middleware {
  const { propagate } = withDefaults(attemptTelemetryDefaults, options)
  const tracers = tracerSource(options.tracerProvider)
  const { server } = options
  const attributes = memo((url: string) => ({ 'http.request.method': 'POST', ...serverAttributes(url) }))
  const guard = guardListener('attemptTelemetry', (act: () => void) => act())
  const tracing: Middleware = (next) => (request) => {
    const tracer = tracers()
    if (tracer === undefined) return next(request)
    const call = request.context.trace
    const parent = call?.context ?? parentContext(request)
    const now = request.clock.now()
    const time = call?.time ?? spanTime(request.clock, now)
    const { target } = request.context
    const span = tracer.startSpan(
      `attempt ${target ?? request.model}`,
      {
        kind: SpanKind.CLIENT,
        startTime: time(now),
        attributes: attributes(server ?? request.url),
      },
      parent,
    )
    let sent = request
    if (span.isRecording()) {
      describe(span, request)
      sent = numbered(request, span)
    }
    const inner = trace.setSpan(parent, span)
    if (propagate) {
      guard(() => {
        sent = deriveRequest(sent, { headers: withTraceContext(sent.headers, inner) })
      })
    }
    return context.with(inner, next, undefined, sent).then(
      (response) => {
        response.outcome.then((outcome) => guard(() => end(span, time, outcome, response)))
        return response
      },
      (error: unknown) => {
        guard(() => endWithoutAnswer(span, time, request, error))
        throw error
      },
    )
  }
  return named(tracing, 'attempt telemetry')
}

function describe(span: Span, { context: { target }, model }: ModelRequest): void {
  span.setAttribute('spillway.request.model', model)
  if (target !== undefined) span.setAttribute('spillway.target', target)
}

/** The attempt has its number when it begins; before that it may still be refused. */
function numbered(request: ModelRequest, span: Span): ModelRequest {
  const { record } = request.context
  if (record === undefined) return request
  return listen(request, ({ type }) => {
    if (type !== 'attempt.started') return
    const number = record.begun
    span.setAttribute('spillway.attempt', number)
    if (number > 1) span.setAttribute('http.request.resend_count', number - 1)
  })
}

const headerSetter = {
  set(headers: Record<string, string>, name: string, value: string) {
    headers[name.toLowerCase()] = value
  },
}

/** The caller's own trace headers go: what the propagators write replaces them. */
function withTraceContext(headers: RequestHeaders, spanContext: Context): RequestHeaders {
  const sent: Record<string, string> = { ...headers }
  for (const field of propagation.fields()) {
    const name = field.toLowerCase()
    // An object that something was deleted from is slower ever after.
    if (name in sent) delete sent[name]
  }
  propagation.inject(spanContext, sent, headerSetter)
  return sent
}

function end(span: Span, time: SpanTime, outcome: Outcome, { status }: ModelResponse): void {
  const { timings } = outcome
  if (span.isRecording()) {
    if (timings.headers !== undefined) span.setAttribute('http.response.status_code', status)
    setAttempt(span, outcome)
    markFailure(span, outcome)
  }
  span.end(time(timings.startedAt + timings.end))
}

function endWithoutAnswer(span: Span, time: SpanTime, request: ModelRequest, error: unknown): void {
  if (request.signal?.aborted) span.setAttributes(failureAttributes(cancelledFailure()))
  else markError(span, errorTypeOf(error))
  span.end(time(request.clock.now()))
}
