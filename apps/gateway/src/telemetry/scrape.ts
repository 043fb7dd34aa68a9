import { MetricReader, type ResourceMetrics, type ScopeMetrics } from '@opentelemetry/sdk-metrics'
import { writePrometheusText } from './prometheus-text.ts'

/** The text format of Prometheus, for the `content-type` header. */
export const prometheusText = 'text/plain; version=0.0.4; charset=utf-8'

/** How long a collection may take, in milliseconds. */
const longestCollection = 5_000

/** Collects when it is scraped; there is no other exporter. */
export class ScrapeReader extends MetricReader {
  #inFlight: Promise<string> | undefined

  /**
   * All metrics as of now; those who ask meanwhile get the same.
   * @throws Error when they cannot be collected in time
   */
  scrape(): Promise<string> {
    this.#inFlight ??= this.#scrape().finally(() => {
      this.#inFlight = undefined
    })
    return this.#inFlight
  }

  /** The same, not yet written. */
  async sums(): Promise<readonly ScopeMetrics[]> {
    return (await this.#look()).scopeMetrics
  }

  async #scrape(): Promise<string> {
    return writePrometheusText(await this.#look())
  }

  async #look(): Promise<ResourceMetrics> {
    return (await this.collect({ timeoutMillis: longestCollection })).resourceMetrics
  }

  override async onForceFlush(): Promise<void> {}

  override async onShutdown(): Promise<void> {}
}
