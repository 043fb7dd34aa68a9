import type { Histogram, Meter } from '@opentelemetry/api'
import type { Usage } from '@spillway/middleware'
import type { Conventions } from './conventions.ts'
import type { CallLabels } from './metric-labels.ts'
import { allInput } from './outcome-attributes.ts'
import { type CounterPool, counterPool, type PooledCounter } from './pooled-counters.ts'

/** Seconds. The conventions' boundaries end at 82; calls of agents take longer. */
const durations = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68,
  655.36,
]
/** Tokens, as the conventions have them. */
const tokenCounts = Array.from({ length: 14 }, (_, power) => 4 ** power)

/** Everything that is measured, made once for each meter. */
export interface Instruments {
  readonly duration: Histogram
  readonly timeToFirstChunk: Histogram
  readonly timePerOutputChunk: Histogram
  readonly active: PooledCounter
  readonly calls: PooledCounter
  readonly attemptDuration: Histogram
  readonly tokens: PooledCounter
  readonly waits: Histogram
  readonly refusals: PooledCounter
  readonly events: PooledCounter
  /** The tokens of a call's answer, under the conventions' names. */
  readonly recordUsage: (usage: Usage, labels: CallLabels) => void
}

export function createInstruments(meter: Meter, conventions: Conventions): Instruments {
  const { metrics } = conventions
  const counters = counterPool(meter)
  const seconds = (name: string, description: string): Histogram =>
    meter.createHistogram(name, {
      description,
      unit: 's',
      advice: { explicitBucketBoundaries: durations },
    })
  return {
    duration: seconds(metrics.duration, 'How long a call took, retries and waits included'),
    timeToFirstChunk: seconds(metrics.timeToFirstChunk, 'Until the first content of a stream'),
    timePerOutputChunk: seconds(
      metrics.timePerOutputChunk,
      'Between two chunks of a stream: the mean of each stream',
    ),
    active: counters.upDownCounter('spillway.calls.active', { description: 'Calls in flight' }),
    calls: counters.counter('spillway.calls', { description: 'Calls that are over, by who answered' }),
    attemptDuration: seconds(
      'spillway.attempt.duration',
      'How long an attempt took; its count is the attempts',
    ),
    tokens: counters.counter('spillway.tokens', {
      description: 'Tokens of all attempts, by type; also of those that failed',
      unit: '{token}',
    }),
    waits: seconds('spillway.wait.duration', 'How long a policy had a call wait, by event'),
    refusals: counters.counter('spillway.refusals', { description: 'Refusals of Spillway’s own' }),
    events: counters.counter('spillway.events', { description: 'What policies did, by event' }),
    recordUsage: usageRecorder(meter, counters, conventions),
  }
}

function usageRecorder(
  meter: Meter,
  counters: CounterPool,
  conventions: Conventions,
): Instruments['recordUsage'] {
  const { tokenUsage, tokenCounters } = conventions.metrics
  const histogram = (name: string): Histogram =>
    meter.createHistogram(name, {
      description: 'Tokens of an answer',
      unit: '{token}',
      advice: { explicitBucketBoundaries: tokenCounts },
    })
  if (tokenUsage !== undefined) {
    const tokens = histogram(tokenUsage)
    return (usage, labels) => {
      tokens.record(allInput(usage), labels.inputTokens)
      tokens.record(usage.outputTokens, labels.outputTokens)
    }
  }
  const counter = (type: string): PooledCounter =>
    counters.counter(`${tokenCounters}${type}`, { description: 'Tokens of all answers', unit: '{token}' })
  const input = counter('input_tokens')
  const output = counter('output_tokens')
  const cacheRead = counter('cache_read.input_tokens')
  const cacheWrite = counter('cache_write.input_tokens')
  const reasoning = counter('reasoning.output_tokens')
  const inputOfCall = histogram('gen_ai.client.inference.operation.input_tokens')
  const outputOfCall = histogram('gen_ai.client.inference.operation.output_tokens')
  return (usage, { call, tokensByModality: byModality }) => {
    inputOfCall.record(allInput(usage), call)
    outputOfCall.record(usage.outputTokens, call)
    input.add(allInput(usage), byModality)
    output.add(usage.outputTokens, byModality)
    if (usage.cacheReadTokens > 0) cacheRead.add(usage.cacheReadTokens, byModality)
    if (usage.cacheWriteTokens > 0) cacheWrite.add(usage.cacheWriteTokens, byModality)
    if (usage.reasoningTokens > 0) reasoning.add(usage.reasoningTokens, byModality)
  }
}
