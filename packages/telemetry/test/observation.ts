import { context, propagation } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace'

/** An SDK that keeps in memory what it is told. */
export interface Observation {
  readonly tracerProvider: TracerProvider
  readonly meterProvider: MeterProvider
  /** Finished spans, in the order in which they ended. */
  readonly spans: readonly ReadableSpan[]
  /** The data points of a metric, as collected now. */
  points(name: string): Promise<DataPoint<number | Histogram>[]>
  /** The histograms of a metric, as collected now. */
  histograms(name: string): Promise<Histogram[]>
  metricNames(): Promise<string[]>
  close(): Promise<void>
}

export function observe(): Observation {
  const spanExporter = new InMemorySpanExporter()
  const tracerProvider = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter: spanExporter })],
  })
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({
    exporter: metricExporter,
    exportIntervalMillis: 1_000_000,
  })
  const meterProvider = new MeterProvider({ readers: [reader] })
  const collect = async () => {
    metricExporter.reset()
    await reader.forceFlush()
    const [resource] = metricExporter.getMetrics()
    return resource?.scopeMetrics.flatMap(({ metrics }) => metrics) ?? []
  }
  const points = async (name: string): Promise<DataPoint<number | Histogram>[]> => {
    const found = (await collect()).find(({ descriptor }) => descriptor.name === name)
    return (found?.dataPoints ?? []) as DataPoint<number | Histogram>[]
  }
  return {
    tracerProvider,
    meterProvider,
    get spans() {
      return spanExporter.getFinishedSpans()
    },
    points,
    histograms: async (name) => (await points(name)).map(({ value }) => value as Histogram),
    metricNames: async () => (await collect()).map(({ descriptor }) => descriptor.name),
    async close() {
      await Promise.all([tracerProvider.shutdown(), meterProvider.shutdown()])
    },
  }
}

/** Registers what an application's set-up would: contexts that follow promises, W3C propagation. */
export function registerContext(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
  )
}

export function unregisterContext(): void {
  context.disable()
  propagation.disable()
}
