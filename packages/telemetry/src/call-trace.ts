import {
  type Context,
  context,
  type HrTime,
  isSpanContextValid,
  propagation,
  type TextMapGetter,
  trace,
} from '@opentelemetry/api'
import type { Clock, ModelRequest } from '@spillway/middleware'
import type { RequestHeaders } from '@spillway/middleware/kit'

declare module '@spillway/middleware' {
  interface RequestContext {
    /** Where the spans of this call hang; set by `telemetry`, read by `attemptTelemetry`. */
    readonly trace?: CallTrace | undefined
  }
}

/** The trace of a call, for what happens further in. */
export interface CallTrace {
  /** Holds the call's span. */
  readonly context: Context
  /** Turns clock time into span time, the same way for all spans of the call. */
  readonly time: SpanTime
}

/** A moment of `clock.now()` as the API takes it. */
export type SpanTime = (now: number) => HrTime

/** Span times from the request's own clock, so that a call on a virtual clock has spans in virtual time. */
export function spanTime(clock: Clock, now: number): SpanTime {
  const offset = clock.epoch() - now
  return (moment) => {
    const ms = offset + moment
    const seconds = Math.floor(ms / 1000)
    return [seconds, Math.round((ms - seconds * 1000) * 1e6)]
  }
}

const headerGetter: TextMapGetter<RequestHeaders> = {
  keys: (headers) => Object.keys(headers),
  get: (headers, name) => headers[name.toLowerCase()],
}

/**
 * The context that a call's span hangs in: what the caller's headers say, by the registered propagators. Where a span of
 * the same trace is active in this process, that one is nearer than the headers: a server's span that hangs in them, or
 * the span of an SDK that wrote them.
 */
export function parentContext(request: ModelRequest): Context {
  const active = context.active()
  const extracted = propagation.extract(active, request.headers, headerGetter)
  const near = trace.getSpan(active)
  const told = trace.getSpanContext(extracted)
  if (near === undefined || told === undefined) return extracted
  const spanContext = near.spanContext()
  const isNear = isSpanContextValid(spanContext) && spanContext.traceId === told.traceId
  return isNear ? trace.setSpan(extracted, near) : extracted
}

/** What the SDKs' spans let others read, though the API does not say so. */
interface ReadableAttributes {
  readonly attributes?: Readonly<Record<string, unknown>>
}

/** Whether the span that a call hangs in tells of this very operation already, as the one of `@anthropic-ai/sdk` does. */
export function isToldAlready(parent: Context, operationName: string, operation: string): boolean {
  const span = trace.getSpan(parent) as ReadableAttributes | undefined
  return span?.attributes?.[operationName] === operation
}
