import type { Attributes, Counter, Meter, MetricOptions } from '@opentelemetry/api'

/** A counter whose attributes are shared objects: what is added under one of them is added up until it is collected. */
export interface PooledCounter {
  add(value: number, attributes?: Attributes): void
}

/** Makes the counters of one meter. */
export interface CounterPool {
  counter(name: string, options: MetricOptions): PooledCounter
  upDownCounter(name: string, options: MetricOptions): PooledCounter
}

/** So many sums wait at most; a meter that nobody collects from must not keep them all. */
const mostPending = 1_000

const noAttributes: Attributes = Object.freeze({})

/**
 * Counters that hand their sums on when metrics are collected, instead of measuring each time: the SDK writes out and
 * sorts the attributes of each measurement to find its sum. They stay ordinary counters, so views, temporality and
 * several pools on one meter mean what they always do; observable counters would not add up what a view folds together.
 */
export function counterPool(meter: Meter): CounterPool {
  const flushes: (() => void)[] = []
  // Callbacks run before anything is collected, and this one observes nothing: no such metric is ever exported.
  meter.createObservableGauge('spillway.telemetry.collection').addCallback(() => {
    for (const flush of flushes) flush()
  })
  const pooled = (counter: Counter): PooledCounter => {
    const pending = new Map<Attributes, number>()
    const flush = (): void => {
      for (const [attributes, sum] of pending) counter.add(sum, attributes)
      pending.clear()
    }
    flushes.push(flush)
    return {
      add(value, attributes = noAttributes) {
        const sum = pending.get(attributes)
        if (sum === undefined && pending.size >= mostPending) flush()
        pending.set(attributes, (sum ?? 0) + value)
      },
    }
  }
  return {
    counter: (name, options) => pooled(meter.createCounter(name, options)),
    upDownCounter: (name, options) => pooled(meter.createUpDownCounter(name, options)),
  }
}
