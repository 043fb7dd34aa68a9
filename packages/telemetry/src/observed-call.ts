import {
  type Attributes,
  type Context,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import {
  deriveRequest,
  type Handler,
  listen,
  type ModelRequest,
  type ModelResponse,
  type Outcome,
  type SpillwayEvent,
} from '@spillway/middleware'
import { callEnd, type JsonObject, type RecordedRequest, recordCall } from '@spillway/middleware/kit'
import { cancelledFailure, isModelRefusal } from '@spillway/wire'
import { type LabelledCall, otherLabel } from './bounded-labels.ts'
import { measureCall, recordEvent } from './call-metrics.ts'
import { type CallTrace, isToldAlready, parentContext, type SpanTime, spanTime } from './call-trace.ts'
import { answerContent, promptAttributes, wholeAnswer } from './content.ts'
import type { Conventions } from './conventions.ts'
import { eventAttributes } from './event-attributes.ts'
import type { Instruments } from './instruments.ts'
import type { MetricLabels } from './metric-labels.ts'
import { failureAttributes, setAnswer } from './outcome-attributes.ts'
import { identifyingAttributes, operationOf, setParameters } from './request-attributes.ts'

/** What all calls through one `telemetry(…)` share. */
export interface CallObserver {
  readonly instruments: () => Instruments | undefined
  readonly names: Conventions
  readonly labels: MetricLabels
  /** Host and port of a URL. */
  readonly server: (url: string) => Attributes
  readonly provider: (request: ModelRequest) => string
  /** Keeps the models in labels to a bounded number. */
  readonly boundModels: (call: LabelledCall) => LabelledCall
  readonly captureContent: boolean
  readonly maxContentLength: number
  readonly insideGenAiSpan: 'internal' | 'client'
  readonly attributes: (request: ModelRequest) => Attributes
  /** Runs what touches an SDK of the user's, whose processors may throw. */
  readonly guard: (act: () => void) => void
}

/** One call from its beginning to its outcome, as a span and as measurements. */
export class ObservedCall {
  readonly #observer: CallObserver
  readonly #request: RecordedRequest
  readonly #instruments: Instruments | undefined
  readonly #operation: string
  readonly #provider: string
  readonly #time: SpanTime
  /** What the call runs in; undefined without a tracer. */
  readonly #context: Context | undefined
  readonly #span: Span | undefined
  /** Whether an outer span describes this operation, so that this span is about the chain alone. */
  #isInner = false
  #hasEnded = false

  constructor(
    observer: CallObserver,
    request: ModelRequest,
    tracer: Tracer | undefined,
    instruments: Instruments | undefined,
  ) {
    this.#observer = observer
    this.#request = recordCall(request)
    this.#instruments = instruments
    this.#operation = operationOf(request)
    this.#provider = observer.provider(request)
    this.#time = spanTime(request.clock, request.clock.now())
    instruments?.active.add(1)
    if (tracer === undefined) return
    const parent = parentContext(request)
    this.#span = this.#startSpan(tracer, parent)
    this.#context = trace.setSpan(parent, this.#span)
  }

  /** Sends the call on its way, inside its span. */
  async send(next: Handler): Promise<ModelResponse> {
    const request = this.#observedRequest()
    let response: ModelResponse
    try {
      response = await (this.#context === undefined
        ? next(request)
        : context.with(this.#context, next, undefined, request))
    } catch (error) {
      this.#observer.guard(() => this.#endWithoutAnswer(error))
      throw error
    }
    let said: JsonObject | undefined
    if (this.#keepsContent) ({ response, said } = await wholeAnswer(response))
    response.outcome.then((outcome) => this.#observer.guard(() => this.#end(outcome, response, said)))
    return response
  }

  #startSpan(tracer: Tracer, parent: Context): Span {
    const { insideGenAiSpan, names, server } = this.#observer
    const request = this.#request
    const operation = this.#operation
    this.#isInner =
      insideGenAiSpan === 'internal' && isToldAlready(parent, names.attributes.operation, operation)
    const name = `${operation} ${request.model}`
    const span = tracer.startSpan(
      this.#isInner ? `spillway ${name}` : name,
      {
        kind: this.#isInner ? SpanKind.INTERNAL : SpanKind.CLIENT,
        startTime: this.#time(this.#request.context.record.startedAt),
        attributes: this.#isInner
          ? {}
          : identifyingAttributes(request, operation, this.#provider, server(request.url), names),
      },
      parent,
    )
    if (span.isRecording()) this.#describe(span)
    return span
  }

  #describe(span: Span): void {
    const { names, attributes, captureContent, maxContentLength } = this.#observer
    const request = this.#request
    const { callId, tenant, session } = request.context
    span.setAttribute('spillway.call.id', callId)
    if (tenant !== undefined) span.setAttribute('spillway.tenant', tenant)
    span.setAttributes(attributes(request))
    if (this.#isInner) return
    if (session !== undefined) span.setAttribute(names.attributes.conversation, session)
    setParameters(span, request, names)
    if (captureContent) span.setAttributes(promptAttributes(request, names, maxContentLength))
  }

  #observedRequest(): ModelRequest {
    const request = this.#request
    const hear = (event: SpillwayEvent): void => this.#hear(event)
    if (this.#context === undefined) return listen(request, hear)
    const call: CallTrace = { context: this.#context, time: this.#time }
    return deriveRequest(request, {
      listeners: [...request.listeners, hear],
      context: { ...request.context, trace: call },
      keepTranscript: request.keepTranscript || this.#keepsContent,
    })
  }

  get #keepsContent(): boolean {
    return this.#observer.captureContent && !this.#isInner && this.#span?.isRecording() === true
  }

  #hear(event: SpillwayEvent): void {
    if (this.#instruments !== undefined) recordEvent(this.#instruments, this.#observer.labels, event)
    if (this.#hasEnded || this.#span?.isRecording() !== true || isOfAttempt(event)) return
    this.#span.addEvent(`spillway.${event.type}`, eventAttributes(event), this.#time(event.at))
  }

  #end(
    outcome: Outcome,
    response?: ModelResponse | undefined,
    said?: JsonObject | undefined,
    errorType: string | undefined = outcome.failure?.kind,
  ): void {
    const { names, labels, maxContentLength, boundModels } = this.#observer
    const { record, firstContentMs, totalMs } = callEnd(this.#request, response, outcome)
    if (this.#instruments !== undefined) {
      const { requestModel, responseModel } = boundModels({
        operation: this.#operation,
        provider: this.#provider,
        requestModel: this.#request.model,
        responseModel: outcome.model,
        errorType,
      })
      measureCall(
        this.#instruments,
        labels.ofCall(this.#operation)(this.#provider)(requestModel)(responseModel)(errorType),
        labels.ofAnswer(response?.target)(errorType),
        { outcome, duration: totalMs, firstContent: firstContentMs },
      )
    }
    this.#hasEnded = true
    const span = this.#span
    if (span === undefined) return
    if (span.isRecording()) {
      span.setAttribute('spillway.attempts', record.begun)
      if (response?.target !== undefined) span.setAttribute('spillway.served_by', response.target)
      if (!this.#isInner) {
        setAnswer(span, outcome, names)
        if (firstContentMs !== undefined)
          span.setAttribute(names.attributes.timeToFirstChunk, firstContentMs / 1000)
      }
      if (this.#keepsContent)
        span.setAttributes(
          answerContent(response?.transcript ?? said, outcome.stopReason, names, maxContentLength),
        )
      markFailure(span, outcome)
    }
    span.end(this.#time(record.startedAt + totalMs))
  }

  /** The caller left before there was anything to answer, or user code failed. */
  #endWithoutAnswer(error: unknown): void {
    const {
      clock,
      context: { record },
      signal,
    } = this.#request
    const failure = signal?.aborted ? cancelledFailure() : undefined
    const errorType = failure?.kind ?? errorTypeOf(error)
    if (failure === undefined && this.#span !== undefined) markError(this.#span, errorType)
    const { startedAt } = record
    const outcome: Outcome = {
      failure,
      usage: undefined,
      stopReason: undefined,
      model: undefined,
      timings: { startedAt, end: record.endedAt(clock.now()) - startedAt },
      bytes: 0,
    }
    this.#end(outcome, undefined, undefined, errorType)
  }
}

/** They have their own spans, or are counted. */
function isOfAttempt({ type }: SpillwayEvent): boolean {
  return type === 'attempt.started' || type === 'attempt.committed' || type === 'attempt.ended'
}

/** The name of an error's class, as the conventions want it. */
export function errorTypeOf(error: unknown): string {
  return error instanceof Error ? error.name : otherLabel
}

/** Marks the span of something that threw. */
export function markError(span: Span, errorType: string): void {
  span.setAttribute('error.type', errorType)
  span.setStatus({ code: SpanStatusCode.ERROR })
}

/** Says how a span failed. A call that its caller gave up is no error of anybody's, nor is an answer that declines. */
export function markFailure(span: Span, outcome: Outcome): void {
  const { failure } = outcome
  if (failure === undefined) return
  span.setAttributes(failureAttributes(failure))
  if (failure.kind === 'cancelled' || isModelRefusal(outcome)) return
  const { kind, status, code } = failure
  const message = [kind, status, code].filter((part) => part !== undefined).join(' ')
  span.setStatus({ code: SpanStatusCode.ERROR, message })
}
