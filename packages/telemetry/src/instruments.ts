import type { Counter, Histogram, Meter, UpDownCounter } from '@opentelemetry/api'
import type { Usage } from '@spillway/middleware'
import type { Conventions } from './conventions.ts'
import type { CallLabels } from './metric-labels.ts'
import { allInput } from './outcome-attributes.ts'

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
  readonly active: UpDownCounter
  readonly calls: Counter
  readonly attemptDuration: Histogram
  readonly tokens: Counter
  readonly waits: Histogram
  readonly refusals: Counter
  readonly events: Counter
  /** The tokens of a call's answer, under the conventions' names. */
  readonly recordUsage: (usage: Usage, labels: CallLabels) => void
}

export function createInstruments(meter: Meter, conventions: Conventions): Instruments {
  const { metrics } = conventions
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
    active: meter.createUpDownCounter('spillway.calls.active', { description: 'Calls under way' }),
    calls: meter.createCounter('spillway.calls', { description: 'Calls that are over, by who answered' }),
    attemptDuration: seconds(
      'spillway.attempt.duration',
      'How long an attempt took; its count is the attempts',
    ),
    tokens: meter.createCounter('spillway.tokens', {
      description: 'Tokens of all attempts, by type; also of those that failed',
      unit: '{token}',
    }),
    waits: seconds('spillway.wait.duration', 'How long a policy had a call wait, by event'),
    refusals: meter.createCounter('spillway.refusals', { description: 'Refusals of Spillway’s own' }),
    events: meter.createCounter('spillway.events', { description: 'What policies did, by event' }),
    recordUsage: usageRecorder(meter, conventions),
  }
}

function usageRecorder(meter: Meter, conventions: Conventions): Instruments['recordUsage'] {
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
  const counter = (type: string): Counter =>
    meter.createCounter(`${tokenCounters}${type}`, { description: 'Tokens of all answers', unit: '{token}' })
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
