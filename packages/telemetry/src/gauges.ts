import { type Attributes, type MeterProvider, metrics, type ObservableResult } from '@opentelemetry/api'
import { scopeName } from './providers.ts'

/** A value that is looked at when metrics are collected, such as a limiter's headroom or a breaker's state. */
export interface GaugeSource {
  readonly unit?: string | undefined
  readonly description?: string | undefined
  /** The value as of now, once for each set of attributes; these must come from a bounded set. */
  readonly read: () => Iterable<{ readonly value: number; readonly attributes?: Attributes | undefined }>
}

/**
 * Registers gauges by name, such as `spillway.limiter.headroom`. Call it when the SDK is registered; without one it does
 * nothing.
 * @returns stops observing
 */
export function observeGauges(
  sources: Readonly<Record<string, GaugeSource>>,
  provider: MeterProvider = metrics.getMeterProvider(),
): () => void {
  const meter = provider.getMeter(scopeName)
  const stops = Object.entries(sources).map(([name, { unit = '', description = '', read }]) => {
    const gauge = meter.createObservableGauge(name, { unit, description })
    const observe = (result: ObservableResult): void => {
      for (const { value, attributes } of read()) result.observe(value, attributes)
    }
    gauge.addCallback(observe)
    return () => gauge.removeCallback(observe)
  })
  return () => {
    for (const stop of stops) stop()
  }
}
