import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { observeValues } from '@spillway/telemetry'
import { expect, it } from 'vitest'
import { ScrapeReader } from '../telemetry/scrape.ts'
import { countersOf, mergeMetrics } from './merge-metrics.ts'

/** What one process has counted. */
async function process(calls: number, gauges: Readonly<Record<string, number>> = {}, seconds = [0.2]) {
  const reader = new ScrapeReader()
  const provider = new MeterProvider({ readers: [reader] })
  const meter = provider.getMeter('test')
  meter.createCounter('calls').add(calls, { model: 'a', target: 'b' })
  meter.createCounter('calls').add(1, { target: 'b', model: `of ${calls}` })
  meter.createUpDownCounter('active').add(2)
  for (const each of seconds) meter.createHistogram('seconds').record(each)
  observeValues(
    Object.fromEntries(Object.entries(gauges).map(([name, value]) => [name, { read: () => [{ value }] }])),
    provider,
  )
  return structuredClone(await reader.sums())
}

type Metrics = Awaited<ReturnType<typeof process>>

function valuesOf(metrics: Metrics): Record<string, unknown> {
  return Object.fromEntries(
    metrics.flatMap((scope) =>
      scope.metrics.flatMap(({ descriptor, dataPoints }) =>
        dataPoints.map(({ attributes, value }) => [
          [descriptor.name, ...Object.values(attributes)].join(' '),
          typeof value === 'number' ? value : [value.count, value.sum],
        ]),
      ),
    ),
  )
}

it('adds up counters and histograms, series by series, and takes gauges by their rules', async () => {
  const one = await process(3, { 'spillway.limiter.headroom': 0.5, 'spillway.circuits': 1 })
  const other = await process(
    4,
    { 'spillway.limiter.headroom': 0.2, 'spillway.circuits': 3, 'spillway.server.connections': 7 },
    [0.5, 1],
  )
  expect(valuesOf(mergeMetrics([one, other]))).toEqual({
    ...{ 'calls a b': 7, 'calls b of 3': 1, 'calls b of 4': 1, active: 4, seconds: [3, 1.7] },
    ...{ 'spillway.limiter.headroom': 0.2, 'spillway.circuits': 3, 'spillway.server.connections': 7 },
  })
})

it('keeps of a process that has ended what only grows', async () => {
  const ended = await process(3, { 'spillway.limiter.headroom': 0.5 })
  expect(valuesOf(countersOf(ended))).toEqual({ 'calls a b': 3, 'calls b of 3': 1, seconds: [1, 0.2] })
})
