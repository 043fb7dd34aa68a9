import type { Resource } from '@opentelemetry/resources'
import type { MetricReader } from '@opentelemetry/sdk-metrics'
import type { TracerProvider } from '@opentelemetry/sdk-trace'
import { agentThrough } from '../config/other-servers.ts'

/** In the command's own files; whoever uses the library with a collector installs them. */
const exporters = ['@opentelemetry/exporter-trace-otlp-http', '@opentelemetry/exporter-metrics-otlp-http']

/** How often metrics are sent, in milliseconds. */
export const defaultExportEvery: number = 30_000

/** What sends spans and metrics to a collector. */
export interface OtlpExport {
  readonly tracerProvider: TracerProvider
  readonly metricReader: MetricReader
}

export interface OtlpSettings {
  /** In milliseconds. */
  readonly exportEvery?: number | undefined
  readonly proxy?: string | undefined
}

/**
 * Sends to `URL/v1/traces` and `URL/v1/metrics`. The packages for it are loaded here, by those who configure it.
 * @param url the collector's base URL, such as `http://127.0.0.1:4318`
 */
export async function openOtlp(
  url: string,
  resource: Resource,
  { exportEvery = defaultExportEvery, proxy }: OtlpSettings = {},
): Promise<OtlpExport> {
  const [traces, metrics, sdkTrace, sdkMetrics] = await Promise.all([
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/exporter-metrics-otlp-http'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/sdk-metrics'),
  ]).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new Error(`telemetry.otlp needs two packages here: npm install ${exporters.join(' ')}`)
  })
  const base = url.replace(/\/$/, '')
  const httpAgentOptions = agentThrough(proxy, 'telemetry')
  const at = (path: string): object => ({
    url: `${base}${path}`,
    ...(httpAgentOptions && { httpAgentOptions }),
  })
  const spans = new traces.OTLPTraceExporter(at('/v1/traces'))
  return {
    tracerProvider: new sdkTrace.TracerProvider({
      resource,
      spanProcessors: [new sdkTrace.BatchSpanProcessor({ exporter: spans })],
    }),
    metricReader: new sdkMetrics.PeriodicExportingMetricReader({
      exporter: new metrics.OTLPMetricExporter(at('/v1/metrics')),
      exportIntervalMillis: exportEvery,
    }),
  }
}
