import { setImmediate as nextTurn } from 'node:timers/promises'
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { describe, expect, it } from 'vitest'
import { writePrometheusText } from './prometheus-text.ts'
import { ScrapeReader } from './scrape.ts'

/** Metrics of each kind, the histograms with so many series. */
function metricsOf(series: number): ScrapeReader {
  const reader = new ScrapeReader()
  const provider = new MeterProvider({ readers: [reader] })
  const [meter, other] = ['one', 'two'].map((name) => provider.getMeter(name, '1.0'))
  for (const name of ['calls.duration', 'attempts.duration']) {
    const histogram = meter?.createHistogram(name, { unit: 's', description: 'How "long"\nit took' })
    for (let each = 0; each < series; each++)
      histogram?.record(each / 100, { model: `m-${each}`, kind: '"#\\\n' })
  }
  meter?.createCounter('calls').add(3, { who: 'me' })
  other?.createUpDownCounter('calls.active').add(2)
  other?.createCounter('never')
  other
    ?.createObservableGauge('circuits', { description: 'By state' })
    .addCallback((result) => result.observe(7, { state: 'open' }))
  return reader
}

describe('the text for Prometheus', () => {
  it.each([0, 1, 19, 20, 21, 50])('is the same as written in one go, with %i series', async (series) => {
    const { resourceMetrics } = await metricsOf(series).collect()
    const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '')
    const whole = new PrometheusSerializer().serialize(resourceMetrics)
    expect(lines(await writePrometheusText(resourceMetrics))).toEqual(lines(whole))
  })

  it('says what a metric is once, also where two meters have one of the same name', async () => {
    const reader = new ScrapeReader()
    const provider = new MeterProvider({ readers: [reader] })
    for (const name of ['one', 'two'])
      provider.getMeter(name).createCounter('calls', { description: 'd' }).add(1)
    const text = await reader.scrape()
    expect(text.match(/^# TYPE calls_total counter$/gm)).toHaveLength(1)
    expect(text.match(/^calls_total\{/gm)).toHaveLength(2)
  })

  it('is written a part at a time, so that calls go on meanwhile', async () => {
    const scraping = metricsOf(1_500).scrape()
    let isOver = false
    let turns = 0
    scraping.then(() => {
      isOver = true
    })
    while (!isOver) {
      await nextTurn()
      turns++
    }
    expect((await scraping).match(/^calls_duration_count/gm)).toHaveLength(1_500)
    expect(turns).toBeGreaterThan((2 * 1_500) / 20)
  })

  it('is written once for all who ask meanwhile', async () => {
    const reader = metricsOf(100)
    const first = reader.scrape()
    expect(reader.scrape()).toBe(first)
    await first
    expect(reader.scrape()).not.toBe(first)
  })
})
