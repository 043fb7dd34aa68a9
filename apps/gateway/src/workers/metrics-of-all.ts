import { resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider, type ScopeMetrics } from '@opentelemetry/sdk-metrics'
import { observeValues } from '@spillway/telemetry'
import { serviceName } from '../telemetry/observability.ts'
import { writePrometheusText } from '../telemetry/prometheus-text.ts'
import { ScrapeReader } from '../telemetry/scrape.ts'
import { countersOf, mergeMetrics } from './merge-metrics.ts'
import { collectMetrics } from './metrics-questions.ts'
import type { WorkersView } from './orders.ts'
import type { WorkerProcess } from './worker-process.ts'

/** How long a worker may take to say what it has counted, in milliseconds. */
const collectsWithin = 3_000

export interface MetricsOfAll {
  /** The text of `/metrics`, of all workers together. Those who ask meanwhile get the same. */
  scrape(): Promise<string>
  /** What a worker has counted in all, at its end. */
  last(worker: WorkerProcess, metrics: readonly ScopeMetrics[]): void
  /** A worker is there no more: what it has counted, as far as it is known, stays in the sums. */
  ended(worker: WorkerProcess): void
}

export interface MetricsOptions {
  /** Those that serve, or drain. */
  readonly workers: () => readonly WorkerProcess[]
  readonly view: () => WorkersView
  /** Lines that the primary's own outputs have not taken. */
  readonly droppedLines: () => Readonly<Record<string, number>>
}

/**
 * Adds up what workers count. Counters never go back: what a worker had counted when it was asked last stays after its end, and replaces
 * its answer where that does not come in time.
 */
export function metricsOfAll({ workers, view, droppedLines }: MetricsOptions): MetricsOfAll {
  const known = new Map<WorkerProcess, readonly ScopeMetrics[]>()
  let past: readonly ScopeMetrics[] = []
  let unanswered = 0
  const reader = new ScrapeReader()
  const resource = resourceFromAttributes({ 'service.name': serviceName() })
  observeValues(
    {
      'spillway.workers': {
        description: 'Processes that serve, and that are to serve',
        read: () => {
          const { running, wanted } = view()
          return [
            { value: running, attributes: { 'spillway.worker.state': 'running' } },
            { value: wanted, attributes: { 'spillway.worker.state': 'wanted' } },
          ]
        },
      },
      'spillway.worker.restarts': {
        kind: 'counter',
        description: 'Workers that were started in place of one that had ended',
        read: () => [{ value: view().restarts }],
      },
      'spillway.workers.unanswered': {
        description:
          'Workers that have not said in time what they have counted: their counters are those of before, their gauges are left out',
        read: () => [{ value: unanswered }],
      },
      'spillway.log.dropped': {
        kind: 'counter',
        description: 'Lines of the log that their stream did not take',
        read: () =>
          Object.entries(droppedLines()).map(([stream, value]) => ({
            value,
            attributes: { 'spillway.log.stream': stream },
          })),
      },
    },
    new MeterProvider({ resource, readers: [reader] }),
  )

  const ask = async (worker: WorkerProcess): Promise<readonly ScopeMetrics[]> => {
    try {
      const metrics = await worker.channel.ask(collectMetrics, undefined, { deadline: collectsWithin })
      if (!worker.hasExited) known.set(worker, metrics)
      return metrics
    } catch {
      unanswered++
      return countersOf(known.get(worker) ?? [])
    }
  }
  const collect = async (): Promise<string> => {
    unanswered = 0
    // Those that end meanwhile are counted once: as they are here, or as they were at their end.
    const before = past
    const all = await Promise.all(workers().map(ask))
    const { resourceMetrics: own } = await reader.collect()
    const scopeMetrics = mergeMetrics([before, ...all, own.scopeMetrics])
    return writePrometheusText({ resource, scopeMetrics })
  }
  let inFlight: Promise<string> | undefined
  return {
    scrape() {
      inFlight ??= collect().finally(() => {
        inFlight = undefined
      })
      return inFlight
    },
    last: (worker, metrics) => void known.set(worker, metrics),
    ended(worker) {
      const metrics = known.get(worker)
      known.delete(worker)
      if (metrics !== undefined) past = mergeMetrics([past, countersOf(metrics)])
    },
  }
}
