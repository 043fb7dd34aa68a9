import {
  createNoopMeter,
  type Meter,
  type MeterProvider,
  metrics,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'

export const scopeName = '@spillway/telemetry'

/** What the API hands out as its global provider: it passes on to the one that is registered, if there is one. */
interface Delegating extends TracerProvider {
  getDelegateTracer(name: string): Tracer | undefined
}

/**
 * The tracer to use for the next call: undefined while no SDK is registered, so that a call costs nothing then. The SDK
 * may be registered after the middleware has been made.
 */
export function tracerSource(provider: TracerProvider | undefined): () => Tracer | undefined {
  if (provider !== undefined) {
    const tracer = provider.getTracer(scopeName)
    return () => tracer
  }
  let seen: TracerProvider | undefined
  let tracer: Tracer | undefined
  return () => {
    const current = trace.getTracerProvider()
    if (current !== seen || tracer === undefined) {
      seen = current
      tracer = isDelegating(current) ? current.getDelegateTracer(scopeName) : current.getTracer(scopeName)
    }
    return tracer
  }
}

/** The same for meters. The API does not pass on to meters registered later, so the provider is looked up for each call. */
export function meterSource<T>(
  provider: MeterProvider | undefined,
  make: (meter: Meter) => T,
): () => T | undefined {
  let seen: MeterProvider | undefined
  let made: T | undefined
  const noop = createNoopMeter()
  return () => {
    const current = provider ?? metrics.getMeterProvider()
    if (current !== seen) {
      seen = current
      const meter = current.getMeter(scopeName)
      made = meter === noop ? undefined : make(meter)
    }
    return made
  }
}

function isDelegating(provider: TracerProvider): provider is Delegating {
  return 'getDelegateTracer' in provider
}
