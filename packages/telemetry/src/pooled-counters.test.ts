import {
  AggregationTemporality,
  createAllowListAttributesProcessor,
  InMemoryMetricExporter,
  MeterProvider,
  type MeterProviderOptions,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { expect, it, onTestFinished, vi } from 'vitest'
import { counterPool } from './pooled-counters.ts'

const claude = Object.freeze({ target: 'claude', type: 'input' })
const local = Object.freeze({ target: 'local', type: 'input' })

function sdk(options: MeterProviderOptions = {}, temporality = AggregationTemporality.CUMULATIVE) {
  const exporter = new InMemoryMetricExporter(temporality)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1_000_000 })
  const provider = new MeterProvider({ readers: [reader], ...options })
  onTestFinished(() => provider.shutdown())
  const exported = () => exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics)
  return {
    provider,
    meter: provider.getMeter('test'),
    /** Name, attributes and value of each point, as collected now. */
    async collect(): Promise<unknown[]> {
      exporter.reset()
      await reader.forceFlush()
      return exported().flatMap(({ metrics }) =>
        metrics.flatMap(({ descriptor, dataPoints }) =>
          dataPoints.map(({ attributes, value }) => [descriptor.name, attributes, value]),
        ),
      )
    },
    exported,
  }
}

it('has every sum up to date when metrics are collected, and nothing else', async () => {
  const { meter, collect } = sdk()
  const pool = counterPool(meter)
  const tokens = pool.counter('tokens', {})
  const active = pool.upDownCounter('active', {})
  tokens.add(3, claude)
  tokens.add(4, claude)
  tokens.add(5, local)
  active.add(1)
  expect(await collect()).toEqual([
    ['tokens', claude, 7],
    ['tokens', local, 5],
    ['active', {}, 1],
  ])
  active.add(-1)
  tokens.add(1, local)
  expect(await collect()).toEqual([
    ['tokens', claude, 7],
    ['tokens', local, 6],
    ['active', {}, 0],
  ])
})

it('adds up what several pools on one meter count', async () => {
  const { meter, collect } = sdk()
  const one = counterPool(meter).counter('tokens', {})
  const other = counterPool(meter).counter('tokens', {})
  for (let round = 1; round <= 3; round++) {
    one.add(1, claude)
    other.add(10, { ...claude })
    expect(await collect()).toEqual([['tokens', claude, 11 * round]])
  }
})

it('adds up what a view folds together', async () => {
  const views = [
    { instrumentName: 'tokens', attributesProcessors: [createAllowListAttributesProcessor(['type'])] },
  ]
  const { meter, collect } = sdk({ views })
  const tokens = counterPool(meter).counter('tokens', {})
  tokens.add(3, claude)
  tokens.add(4, local)
  expect(await collect()).toEqual([['tokens', { type: 'input' }, 7]])
})

it('tells readers of differences the difference', async () => {
  const { meter, collect } = sdk({}, AggregationTemporality.DELTA)
  const tokens = counterPool(meter).counter('tokens', {})
  tokens.add(3, claude)
  expect(await collect()).toEqual([['tokens', claude, 3]])
  tokens.add(4, claude)
  expect(await collect()).toEqual([['tokens', claude, 4]])
})

it('loses nothing when the SDK is shut down', async () => {
  const { provider, meter, exported } = sdk()
  counterPool(meter).counter('tokens', {}).add(3, claude)
  await provider.shutdown()
  expect(exported().flatMap(({ metrics }) => metrics.map(({ dataPoints }) => dataPoints))).toMatchObject([
    [{ value: 3 }],
  ])
})

it('is held by its meter only while something waits in it', async () => {
  const { meter, collect } = sdk()
  const gauge = meter.createObservableGauge('held')
  const [added, removed] = [vi.spyOn(gauge, 'addCallback'), vi.spyOn(gauge, 'removeCallback')]
  vi.spyOn(meter, 'createObservableGauge').mockReturnValue(gauge)
  const tokens = counterPool(meter).counter('tokens', {})
  expect(added).not.toHaveBeenCalled()
  for (let round = 1; round <= 2; round++) {
    tokens.add(1, claude)
    tokens.add(1, claude)
    expect(added).toHaveBeenCalledTimes(round)
    expect(await collect()).toEqual([['tokens', claude, 2 * round]])
    expect(removed).toHaveBeenCalledTimes(round)
  }
})

it('lets the other callbacks of its meter run', async () => {
  const { meter, collect } = sdk()
  const tokens = counterPool(meter).counter('tokens', {})
  tokens.add(1, claude)
  meter.createObservableGauge('later').addCallback((result) => result.observe(5))
  expect(await collect()).toEqual([
    ['tokens', claude, 1],
    ['later', {}, 5],
  ])
})

it('keeps a bounded number of additions from a meter that never collects', () => {
  const { meter } = sdk()
  const add = vi.fn()
  vi.spyOn(meter, 'createCounter').mockReturnValue({ add })
  const tokens = counterPool(meter).counter('tokens', {})
  for (let i = 0; i < 2_500; i++) tokens.add(1, i % 2 === 0 ? claude : local)
  expect(add.mock.calls).toEqual([
    [500, claude],
    [500, local],
    [500, claude],
    [500, local],
  ])
})
