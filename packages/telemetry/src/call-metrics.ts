import type { Attributes } from '@opentelemetry/api'
import type { Outcome, SpillwayEvent } from '@spillway/middleware'
import { failureOf, waitOf } from './event-attributes.ts'
import type { Instruments } from './instruments.ts'
import type { CallLabels, MetricLabels } from './metric-labels.ts'

/** How a call ended, for its metrics. */
export interface EndedCall {
  readonly outcome: Outcome
  /** In milliseconds, from the call's beginning to its end and to its first content. */
  readonly duration: number
  readonly firstContent: number | undefined
}

/** Measures a call that is over; `answer` are the labels of who answered. */
export function measureCall(
  instruments: Instruments,
  labels: CallLabels,
  answer: Attributes,
  { outcome, duration, firstContent }: EndedCall,
): void {
  const { usage, outputChunks, timings } = outcome
  instruments.active.add(-1)
  instruments.duration.record(duration / 1000, labels.result)
  if (firstContent !== undefined) {
    instruments.timeToFirstChunk.record(firstContent / 1000, labels.call)
    if (outputChunks !== undefined && outputChunks > 1 && timings.firstContent !== undefined) {
      const perChunk = (timings.end - timings.firstContent) / (outputChunks - 1)
      instruments.timePerOutputChunk.record(perChunk / 1000, labels.call)
    }
  }
  if (usage !== undefined) instruments.recordUsage(usage, labels)
  instruments.calls.add(1, answer)
}

/** Counts an event of a call, whichever policy it comes from. */
export function recordEvent(instruments: Instruments, labels: MetricLabels, event: SpillwayEvent): void {
  switch (event.type) {
    case 'attempt.started':
    case 'attempt.committed':
      return
    case 'attempt.ended':
      return recordAttempt(instruments, labels, event.target, event.outcome)
    case 'refused':
      return instruments.refusals.add(1, labels.ofAttempt(event.target)(event.failure.kind))
    default:
      return recordOther(instruments, labels, event as SpillwayEvent)
  }
}

function recordAttempt(
  instruments: Instruments,
  labels: MetricLabels,
  target: string | undefined,
  { failure, usage, timings }: Outcome,
): void {
  instruments.attemptDuration.record(timings.end / 1000, labels.ofAttempt(target)(failure?.kind))
  if (usage === undefined) return
  for (const token of labels.ofTokens(target)(usage.estimated)) {
    const count = usage[token.count]
    if (count !== 0) instruments.tokens.add(count, token.labels)
  }
}

function recordOther(instruments: Instruments, labels: MetricLabels, event: SpillwayEvent): void {
  const ofEvent = labels.ofEvent(event.type)(event.target)
  const wait = waitOf(event)
  if (wait !== undefined) instruments.waits.record(wait / 1000, ofEvent(undefined))
  instruments.events.add(1, ofEvent(failureOf(event)?.kind))
}
