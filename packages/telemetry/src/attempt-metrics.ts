import { listen, type Middleware, named } from '@spillway/middleware'
import { recordEvent } from './call-metrics.ts'
import { type ConventionsName, conventions } from './conventions.ts'
import { createInstruments } from './instruments.ts'
import { metricLabels } from './metric-labels.ts'
import { meterSource } from './providers.ts'
import { type TelemetryOptions, telemetryDefaults } from './telemetry-options.ts'

/**
 * The metrics of attempts alone, for requests that no `telemetry(…)` hears of: a mirror's candidate is asked behind the
 * call's back, and yet its attempts and tokens are used. Wraps the candidate.
 */
export function attemptMetrics(
  options: Pick<TelemetryOptions, 'meterProvider' | 'conventions'> = {},
): Middleware {
  const names = conventions[(options.conventions ?? telemetryDefaults.conventions) as ConventionsName]
  const labels = metricLabels(names)
  const source = meterSource(options.meterProvider, (meter) => createInstruments(meter, names))
  const counting: Middleware = (next) => (request) => {
    const instruments = source()
    if (instruments === undefined) return next(request)
    return next(
      listen(request, (event) => {
        if (event.type === 'attempt.ended') recordEvent(instruments, labels, event)
      }),
    )
  }
  return named(counting, 'attempt metrics')
}
