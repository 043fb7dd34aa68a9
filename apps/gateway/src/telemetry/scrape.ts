import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { MetricReader } from '@opentelemetry/sdk-metrics'

/** The text format of Prometheus, for the `content-type` header. */
export const prometheusText = 'text/plain; version=0.0.4; charset=utf-8'

/** How long a collection may take, in milliseconds. */
const longestCollection = 5_000

/** Collects when it is asked; nobody else exports. */
export class ScrapeReader extends MetricReader {
  readonly #serializer: PrometheusSerializer = new PrometheusSerializer()

  /**
   * All metrics as of now.
   * @throws Error when they cannot be collected in time
   */
  async scrape(): Promise<string> {
    const { resourceMetrics } = await this.collect({ timeoutMillis: longestCollection })
    return this.#serializer.serialize(resourceMetrics)
  }

  override async onForceFlush(): Promise<void> {}

  override async onShutdown(): Promise<void> {}
}
