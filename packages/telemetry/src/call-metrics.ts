import type { Attributes } from '@opentelemetry/api'
import type { Outcome, SpillwayEvent } from '@spillway/middleware'
import type { Conventions } from './conventions.ts'
import { failureOf, waitOf } from './event-attributes.ts'
import type { Instruments } from './instruments.ts'

/** What of a call its metrics tell apart. Every value comes from a bounded set. */
export interface CallLabels {
  readonly operation: string
  readonly provider: string
  readonly requestModel: string
}

/** How a call ended, for its metrics. */
export interface EndedCall {
  readonly outcome: Outcome
  /** Undefined for success. */
  readonly errorType: string | undefined
  readonly responseModel: string | undefined
  readonly servedBy: string | undefined
  /** In milliseconds, from the call's beginning to its end and to its first content. */
  readonly duration: number
  readonly firstContent: number | undefined
}

/** Records a call that is over. */
export function recordCall(
  instruments: Instruments,
  { attributes: names }: Conventions,
  labels: CallLabels,
  call: EndedCall,
): void {
  const { outcome, firstContent, errorType } = call
  const { usage, outputChunks, timings } = outcome
  const base: Attributes = {
    [names.operation]: labels.operation,
    [names.provider]: labels.provider,
    [names.requestModel]: labels.requestModel,
  }
  if (call.responseModel !== undefined) base[names.responseModel] = call.responseModel
  const result: Attributes = errorType === undefined ? base : { ...base, 'error.type': errorType }
  instruments.duration.record(call.duration / 1000, result)
  if (firstContent !== undefined) {
    instruments.timeToFirstChunk.record(firstContent / 1000, base)
    if (outputChunks !== undefined && outputChunks > 1 && timings.firstContent !== undefined) {
      const perChunk = (timings.end - timings.firstContent) / (outputChunks - 1)
      instruments.timePerOutputChunk.record(perChunk / 1000, base)
    }
  }
  if (usage !== undefined) instruments.recordUsage(usage, base)
  instruments.calls.add(1, {
    'spillway.served_by': call.servedBy,
    'error.type': errorType,
  })
}

/** Counts an event of a call, whichever policy it comes from. */
export function recordEvent(
  instruments: Instruments,
  { attributes: names }: Conventions,
  event: SpillwayEvent,
): void {
  switch (event.type) {
    case 'attempt.started':
    case 'attempt.committed':
      return
    case 'attempt.ended':
      return recordAttempt(instruments, names.tokenType, event.target, event.outcome)
    case 'refused':
      return instruments.refusals.add(1, {
        'spillway.target': event.target,
        'error.type': event.failure.kind,
      })
    default:
      return recordOther(instruments, event as SpillwayEvent)
  }
}

function recordAttempt(
  instruments: Instruments,
  tokenType: string,
  target: string | undefined,
  { failure, usage, timings }: Outcome,
): void {
  const { tokens } = instruments
  instruments.attemptDuration.record(timings.end / 1000, {
    'spillway.target': target,
    'error.type': failure?.kind,
  })
  if (usage === undefined) return
  const estimated = usage.estimated
  const add = (type: string, count: number): void => {
    if (count === 0) return
    tokens.add(count, {
      'spillway.target': target,
      [tokenType]: type,
      'spillway.usage.estimated': estimated,
    })
  }
  add('input', usage.inputTokens)
  add('output', usage.outputTokens)
  add('cache_read', usage.cacheReadTokens)
  add('cache_write', usage.cacheWriteTokens)
  add('reasoning', usage.reasoningTokens)
}

function recordOther(instruments: Instruments, event: SpillwayEvent): void {
  const attributes: Attributes = { 'spillway.event': event.type, 'spillway.target': event.target }
  const wait = waitOf(event)
  if (wait !== undefined) instruments.waits.record(wait / 1000, attributes)
  const failure = failureOf(event)
  instruments.events.add(
    1,
    failure === undefined ? attributes : { ...attributes, 'error.type': failure.kind },
  )
}
