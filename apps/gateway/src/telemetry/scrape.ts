import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { MetricReader } from '@opentelemetry/sdk-metrics'

/** The text format of Prometheus, for the `content-type` header. */
export const prometheusText = 'text/plain; version=0.0.4; charset=utf-8'

/** Collects when it is asked; nobody else exports. */
export class ScrapeReader extends MetricReader {
  readonly #serializer: PrometheusSerializer = new PrometheusSerializer()

  /** All metrics as of now. */
  async scrape(): Promise<string> {
    const { resourceMetrics } = await this.collect()
    return this.#serializer.serialize(resourceMetrics)
  }

  override async onForceFlush(): Promise<void> {}

  override async onShutdown(): Promise<void> {}
}
