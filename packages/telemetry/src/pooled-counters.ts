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

/** So many additions wait at most: a bound for meters that are never collected, or that never call back. */
const mostWaiting = 1_000

const noAttributes: Attributes = Object.freeze({})

/**
 * Counters that hand their sums on when metrics are collected, instead of measuring each time: the SDK sorts and writes
 * out the attributes of each measurement to find its sum. They stay ordinary counters, so views, temporality and
 * several pools on one meter mean what they always do; observable counters would not add up what a view folds together.
 */
export function counterPool(meter: Meter): CounterPool {
  // Callbacks run before anything is collected. This one observes nothing, so no such metric is ever exported.
  const collection = meter.createObservableGauge('spillway.telemetry.collection')
  const flushes: (() => void)[] = []
  let isCalledBack = false
  const flushAll = (): void => {
    for (const flush of flushes) flush()
  }
  const onCollection = (): void => {
    flushAll()
    // The meter holds the pool only while something waits in it. Later, since callbacks are being gone through now.
    queueMicrotask(() => {
      collection.removeCallback(onCollection)
      isCalledBack = false
      flushAll()
    })
  }
  const pooled = (counter: Counter): PooledCounter => {
    const sums = new Map<Attributes, number>()
    let waiting = 0
    const flush = (): void => {
      for (const [attributes, sum] of sums) counter.add(sum, attributes)
      sums.clear()
      waiting = 0
    }
    flushes.push(flush)
    return {
      add(value, attributes = noAttributes) {
        sums.set(attributes, (sums.get(attributes) ?? 0) + value)
        if (!isCalledBack) collection.addCallback(onCollection)
        isCalledBack = true
        if (++waiting === mostWaiting) flush()
      },
    }
  }
  return {
    counter: (name, options) => pooled(meter.createCounter(name, options)),
    upDownCounter: (name, options) => pooled(meter.createUpDownCounter(name, options)),
  }
}
