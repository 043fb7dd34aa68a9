import { setImmediate as nextTurn } from 'node:timers/promises'
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import type { MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics'

/** So many series are written in one turn of the event loop: 3 ms of work where they are histograms, more with long names. */
const seriesInATurn = 20

const target = new PrometheusSerializer()
const serializer = new PrometheusSerializer(undefined, false, undefined, true)

/**
 * Metrics in the text format of Prometheus, a part of them in each turn of the event loop: callers choose the names of models,
 * and ten thousand series take two seconds to write.
 */
export async function writePrometheusText({ resource, scopeMetrics }: ResourceMetrics): Promise<string> {
  const parts = [target.serialize({ resource, scopeMetrics: [] }).replace(/^# no registered metrics$/m, '')]
  const heads = new Set<string>()
  let left = seriesInATurn
  for (const { scope, metrics } of scopeMetrics) {
    for (const metric of metrics) {
      for (const part of partsOf(metric)) {
        const text = serializer.serialize({ resource, scopeMetrics: [{ scope, metrics: [part] }] })
        const { head, samples } = split(text)
        if (samples === '') continue
        parts.push(heads.has(head) ? samples : head + samples)
        heads.add(head)
        left -= part.dataPoints.length
        if (left > 0) continue
        left = seriesInATurn
        await nextTurn()
      }
    }
  }
  return parts.join('')
}

function partsOf(metric: MetricData): MetricData[] {
  const { length } = metric.dataPoints
  if (length <= seriesInATurn) return [metric]
  return Array.from({ length: Math.ceil(length / seriesInATurn) }, (_, index) => {
    const from = index * seriesInATurn
    return { ...metric, dataPoints: metric.dataPoints.slice(from, from + seriesInATurn) } as MetricData
  })
}

/** What a metric is, which is said once, and its samples. */
function split(text: string): { head: string; samples: string } {
  const samples = /^[^#]/m.exec(text)
  return samples === null
    ? { head: text, samples: '' }
    : { head: text.slice(0, samples.index), samples: text.slice(samples.index) }
}
