import {
  type Attributes,
  type AttributeValue,
  context,
  type HrTime,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanKind,
  trace,
} from '@opentelemetry/api'
import { DataPointType, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import {
  NoopSpanProcessor,
  type ReadableSpan,
  type Sampler,
  SamplingDecision,
  TracerProvider,
} from '@opentelemetry/sdk-trace'

/** Collects when asked, sends nothing: what is exported, and how, is the application's choice. */
export class IdleReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** Providers of an SDK that samples everything and exports nothing. */
export interface Providers {
  readonly tracerProvider: TracerProvider
  readonly meterProvider: MeterProvider
}

/** What one call leaves behind: the least that an SDK has to be told of such a call. */
export interface Traces {
  /** In the order in which they end: the attempt's, then the call's. */
  readonly spans: readonly SpanRecord[]
  readonly measurements: readonly Measurement[]
}

interface SpanRecord {
  readonly name: string
  readonly kind: SpanKind
  readonly startTime: HrTime
  readonly endTime: HrTime
  /** Those that samplers see. */
  readonly atStart: Attributes
  readonly later: readonly (readonly [name: string, value: AttributeValue])[]
}

/** One measurement of a histogram. Counters are left out: their sums may be kept and handed on once in a while. */
interface Measurement {
  readonly name: string
  readonly boundaries: number[]
  readonly value: number
  readonly attributes: Attributes
}

/** Looks at what is written of one call. */
export async function observeOnce(callWith: (providers: Providers) => Promise<void>): Promise<Traces> {
  const atStart = new Map<string, Attributes>()
  const ended: ReadableSpan[] = []
  const sampler: Sampler = {
    shouldSample(_context, _traceId, name, _kind, attributes) {
      atStart.set(name, { ...attributes })
      return { decision: SamplingDecision.RECORD_AND_SAMPLED }
    },
  }
  const processor = Object.assign(new NoopSpanProcessor(), {
    onEnd: (span: ReadableSpan) => void ended.push(span),
  })
  const reader = new IdleReader()
  const tracerProvider = new TracerProvider({ spanProcessors: [processor], sampler })
  await callWith({ tracerProvider, meterProvider: new MeterProvider({ readers: [reader] }) })
  const { resourceMetrics } = await reader.collect()
  const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)
  return {
    spans: ended.map(({ name, kind, startTime, endTime, attributes }) => {
      const started = atStart.get(name) ?? {}
      const later = Object.entries(attributes).filter(([key]) => !(key in started))
      return { name, kind, startTime, endTime, atStart: started, later: later as SpanRecord['later'] }
    }),
    measurements: metrics.flatMap((metric) =>
      metric.dataPointType === DataPointType.HISTOGRAM
        ? metric.dataPoints.map(({ value, attributes }) => ({
            name: metric.descriptor.name,
            boundaries: value.buckets.boundaries,
            value: value.sum ?? 0,
            attributes,
          }))
        : [],
    ),
  }
}

/**
 * Writes the same straight into the SDK, all of it made beforehand: two spans, each active while it lasts, the trace's
 * context in the headers that go upstream, and the measurements. What is left is the SDK's own price.
 */
export function writtenByHand({ spans, measurements }: Traces, providers: Providers): () => Promise<void> {
  const tracer = providers.tracerProvider.getTracer('by hand')
  const meter = providers.meterProvider.getMeter('by hand')
  const [attempt, call] = spans as [SpanRecord, SpanRecord]
  const recordings = measurements.map(({ name, boundaries, value, attributes }) => {
    const histogram = meter.createHistogram(name, { advice: { explicitBucketBoundaries: boundaries } })
    const shared = Object.freeze({ ...attributes })
    return () => histogram.record(value, shared)
  })
  const start = ({ name, kind, startTime, atStart }: SpanRecord, parent = ROOT_CONTEXT): Span =>
    tracer.startSpan(name, { kind, startTime, attributes: atStart }, parent)
  const end = (span: Span, { later, endTime }: SpanRecord): void => {
    for (const [name, value] of later) span.setAttribute(name, value)
    span.end(endTime)
  }
  const answer = async (): Promise<void> => {}
  return async () => {
    const callSpan = start(call, context.active())
    const inCall = trace.setSpan(context.active(), callSpan)
    const attemptSpan = start(attempt, inCall)
    const inAttempt = trace.setSpan(inCall, attemptSpan)
    propagation.inject(inAttempt, {})
    await context.with(inCall, () => context.with(inAttempt, answer))
    end(attemptSpan, attempt)
    for (const record of recordings) record()
    end(callSpan, call)
  }
}
