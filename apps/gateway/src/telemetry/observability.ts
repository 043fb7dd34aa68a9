import { resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider, type ScopeMetrics } from '@opentelemetry/sdk-metrics'
import type { AttemptRow } from '@spillway/ledger'
import type { Middleware } from '@spillway/middleware'
import {
  attemptMetrics,
  attemptTelemetry,
  type ObservedValue,
  observeValues,
  telemetry,
} from '@spillway/telemetry'
import type { Config } from '../config/config.ts'
import { omitUndefined } from '../config/omit-undefined.ts'
import type { Upstream } from '../ledger/upstream.ts'
import { costCounter } from './cost-counter.ts'
import { openOtlp } from './otlp.ts'
import { ScrapeReader } from './scrape.ts'

/** Spans and metrics of a gateway. Nothing is registered globally. */
export interface Observability {
  /** Outermost of each route. */
  readonly calls: Middleware
  /** Innermost of each endpoint. */
  attempts(upstream: Upstream): Middleware
  /** Around the candidate of a mirror, whose attempts are not the call's. */
  readonly mirrored: Middleware
  /** Counts what an attempt cost, as it is booked. */
  book(attempt: AttemptRow): void
  /** What is looked at when metrics are collected. */
  observe(values: Readonly<Record<string, ObservedValue>>): void
  /** All metrics in the text format of Prometheus. */
  scrape(): Promise<string>
  /** The same as they are, for a process that adds them up. */
  collect(): Promise<readonly ScopeMetrics[]>
  /** Sends what waits. */
  close(): Promise<void>
}

export const serviceName = (): string => process.env.OTEL_SERVICE_NAME ?? 'spillway'

/**
 * Metrics are always there to be scraped; spans are made, and both sent, where `telemetry.otlp` says so.
 * @param instance tells this process from others of the same name, which send by themselves
 */
export async function openObservability(
  settings: Config['telemetry'] = {},
  instance?: string,
): Promise<Observability> {
  const resource = resourceFromAttributes({
    'service.name': serviceName(),
    ...(instance !== undefined && { 'service.instance.id': instance }),
  })
  const reader = new ScrapeReader()
  const otlp = settings.otlp ? await openOtlp(settings.otlp, resource, settings) : undefined
  const meterProvider = new MeterProvider({
    resource,
    readers: [reader, ...(otlp === undefined ? [] : [otlp.metricReader])],
  })
  const tracerProvider = otlp?.tracerProvider
  const { otlp: _, exportEvery: __, proxy: ___, ...written } = settings
  const cost = costCounter()
  observeValues(cost.values, meterProvider)
  return {
    calls: telemetry({ meterProvider, tracerProvider, ...omitUndefined(written) }),
    attempts: ({ url }) => attemptTelemetry({ tracerProvider, server: url }),
    mirrored: attemptMetrics({ meterProvider }),
    book: (attempt) => cost.add(attempt),
    observe: (values) => void observeValues(values, meterProvider),
    scrape: () => reader.scrape(),
    collect: () => reader.sums(),
    async close() {
      // A collector that is unavailable must not keep the gateway from stopping.
      await Promise.allSettled([meterProvider.shutdown(), tracerProvider?.shutdown()])
    },
  }
}
