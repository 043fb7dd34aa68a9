import {
  DataPointType,
  type HistogramMetricData,
  type MetricData,
  type ScopeMetrics,
} from '@opentelemetry/sdk-metrics'
import { type GaugeRule, ruleOfGauge } from './gauge-rules.ts'

type Point = MetricData['dataPoints'][number]
type HistogramValue = HistogramMetricData['dataPoints'][number]['value']

/**
 * The metrics of several processes as those of one: counters and histograms are added up; of gauges there is a rule for each.
 * @param parts what each process has counted
 */
export function mergeMetrics(parts: readonly (readonly ScopeMetrics[])[]): ScopeMetrics[] {
  const scopes = new Map<
    string,
    { readonly scope: ScopeMetrics['scope']; readonly metrics: Map<string, Merging> }
  >()
  for (const { scope, metrics } of parts.flat()) {
    const kept = scopes.get(scope.name) ?? { scope, metrics: new Map<string, Merging>() }
    scopes.set(scope.name, kept)
    for (const metric of metrics) {
      const key = `${metric.dataPointType} ${metric.descriptor.name}`
      const merging = kept.metrics.get(key) ?? { metric, points: new Map<string, Point[]>() }
      kept.metrics.set(key, merging)
      for (const point of metric.dataPoints) {
        const series = seriesOf(point)
        const points = merging.points.get(series)
        if (points === undefined) merging.points.set(series, [point])
        else points.push(point)
      }
    }
  }
  return [...scopes.values()].map(({ scope, metrics }) => ({
    scope,
    metrics: [...metrics.values()].map(({ metric, points }) => ({
      ...metric,
      dataPoints: [...points.values()].map((each) => mergePoints(metric, each)),
    })) as MetricData[],
  }))
}

/** What only grows: what is kept of a process that has ended. */
export function countersOf(metrics: readonly ScopeMetrics[]): ScopeMetrics[] {
  const grows = (metric: MetricData): boolean =>
    metric.dataPointType === DataPointType.HISTOGRAM ||
    (metric.dataPointType === DataPointType.SUM && metric.isMonotonic)
  return metrics.map(({ scope, metrics: all }) => ({ scope, metrics: all.filter(grows) }))
}

interface Merging {
  readonly metric: MetricData
  readonly points: Map<string, Point[]>
}

const seriesOf = ({ attributes }: Point): string =>
  JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)))

function mergePoints({ dataPointType, descriptor }: MetricData, points: readonly Point[]): Point {
  const [first, ...others] = points as [Point, ...Point[]]
  if (others.length === 0) return first
  switch (dataPointType) {
    case DataPointType.SUM:
      return { ...first, value: inTotal(points as readonly { value: number }[]) }
    case DataPointType.GAUGE:
      return {
        ...first,
        value: byRule(
          ruleOfGauge(descriptor.name),
          points.map(({ value }) => value as number),
        ),
      }
    default:
      return { ...first, value: points.map(({ value }) => value as HistogramValue).reduce(addHistograms) }
  }
}

const inTotal = (points: readonly { value: number }[]): number =>
  points.reduce((sum, { value }) => sum + value, 0)

function byRule(rule: GaugeRule, values: readonly number[]): number {
  switch (rule) {
    case 'sum':
      return values.reduce((sum, value) => sum + value, 0)
    case 'mean':
      return values.reduce((sum, value) => sum + value, 0) / values.length
    case 'most':
      return Math.max(...values)
    case 'least':
      return Math.min(...values)
  }
}

/** Both have the boundaries of one version of the program. */
function addHistograms(a: HistogramValue, b: HistogramValue): HistogramValue {
  return {
    buckets: {
      boundaries: a.buckets.boundaries,
      counts: a.buckets.counts.map((count, index) => count + (b.buckets.counts[index] ?? 0)),
    },
    count: a.count + b.count,
    ...(a.sum !== undefined && b.sum !== undefined && { sum: a.sum + b.sum }),
    ...(a.min !== undefined && b.min !== undefined && { min: Math.min(a.min, b.min) }),
    ...(a.max !== undefined && b.max !== undefined && { max: Math.max(a.max, b.max) }),
  }
}
