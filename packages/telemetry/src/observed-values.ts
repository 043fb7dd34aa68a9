import { type Attributes, type MeterProvider, metrics, type ObservableResult } from '@opentelemetry/api'
import { scopeName } from './providers.ts'

/** A value that is looked at when metrics are collected, such as a limiter's headroom or what a mirror has compared. */
export interface ObservedValue {
  /**
   * A gauge goes up and down; a counter only grows, and tells its sum since the start.
   * @default 'gauge'
   */
  readonly kind?: 'gauge' | 'counter' | undefined
  readonly unit?: string | undefined
  readonly description?: string | undefined
  /** The value as of now, once for each set of attributes; these must come from a bounded set. */
  readonly read: () => Iterable<{ readonly value: number; readonly attributes?: Attributes | undefined }>
}

/**
 * Registers values by name, such as `spillway.limiter.headroom`. Call it when the SDK is registered; without one it does
 * nothing.
 * @returns stops observing
 */
export function observeValues(
  values: Readonly<Record<string, ObservedValue>>,
  provider: MeterProvider = metrics.getMeterProvider(),
): () => void {
  const meter = provider.getMeter(scopeName)
  const stops = Object.entries(values).map(([name, { kind, unit = '', description = '', read }]) => {
    const instrument =
      kind === 'counter'
        ? meter.createObservableCounter(name, { unit, description })
        : meter.createObservableGauge(name, { unit, description })
    const observe = (result: ObservableResult): void => {
      for (const { value, attributes } of read()) result.observe(value, attributes)
    }
    instrument.addCallback(observe)
    return () => instrument.removeCallback(observe)
  })
  return () => {
    for (const stop of stops) stop()
  }
}
