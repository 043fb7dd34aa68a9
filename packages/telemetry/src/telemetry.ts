import type { Attributes, Tracer } from '@opentelemetry/api'
import { type Middleware, type ModelRequest, named } from '@spillway/middleware'
import { emitWarning, guardHook, guardListener, withDefaults } from '@spillway/middleware/kit'
import { boundedModels } from './bounded-labels.ts'
import { type ConventionsName, conventions } from './conventions.ts'
import { createInstruments } from './instruments.ts'
import { memo } from './memo.ts'
import { metricLabels } from './metric-labels.ts'
import { type CallObserver, ObservedCall } from './observed-call.ts'
import { warnOfOtherApi } from './other-api.ts'
import { meterSource, tracerSource } from './providers.ts'
import { providerOf, serverAttributes } from './request-attributes.ts'
import { type TelemetryOptions, telemetryDefaults } from './telemetry-options.ts'

/**
 * A span and the metrics of each call, by the GenAI conventions of OpenTelemetry. The outermost of a chain: what happens
 * inside, whoever does it, becomes events of the span. The span ends at the call's outcome.
 *
 * Costs nothing while no SDK is registered; one that is registered later is found.
 * @throws RangeError for options out of range
 */
export function telemetry(options: TelemetryOptions = {}): Middleware {
  const observer = createObserver(options)
  const isUnobserved = warnOfOtherApi(emitWarning)
  const observing: Middleware = (next) => (request) => {
    const tracer = observer.tracer()
    const instruments = observer.instruments()
    if (tracer === undefined && instruments === undefined) {
      isUnobserved()
      return next(request)
    }
    let call: ObservedCall | undefined
    observer.guard(() => {
      call = new ObservedCall(observer, request, tracer, instruments)
    })
    return call === undefined ? next(request) : call.send(next)
  }
  return named(observing, 'telemetry')
}

function createObserver(options: TelemetryOptions): CallObserver & { tracer: () => Tracer | undefined } {
  const settings = withDefaults(telemetryDefaults, options)
  for (const name of ['maxContentLength', 'maxModels'] as const) {
    if (!(settings[name] >= 0))
      throw new RangeError(`telemetry.${name} must be 0 or more, but is ${settings[name]}`)
  }
  const names = conventions[settings.conventions as ConventionsName]
  if (names === undefined)
    throw new RangeError(
      `telemetry.conventions must be 'published' or 'latest', but is ${settings.conventions}`,
    )
  const { provider = providerOf } = options
  return {
    tracer: tracerSource(options.tracerProvider),
    instruments: meterSource(options.meterProvider, (meter) => createInstruments(meter, names)),
    names,
    labels: metricLabels(names),
    server: memo(serverAttributes),
    provider: typeof provider === 'string' ? () => provider : guardedProvider(provider),
    boundModels: boundedModels(settings.maxModels),
    captureContent: settings.captureContent,
    maxContentLength: settings.maxContentLength,
    insideGenAiSpan: settings.insideGenAiSpan,
    attributes: attributesOf(options.attributes),
    guard: guardListener('telemetry', (act: () => void) => act()),
  }
}

function guardedProvider(provider: (request: ModelRequest) => string): (request: ModelRequest) => string {
  return guardHook('telemetry.provider', provider, providerOf, (answer) => typeof answer === 'string')
}

function attributesOf(attributes: TelemetryOptions['attributes']): (request: ModelRequest) => Attributes {
  const isObject = (answer: unknown): boolean =>
    typeof answer === 'object' && answer !== null && !(answer instanceof Promise)
  return guardHook('telemetry.attributes', attributes, () => ({}), isObject)
}
