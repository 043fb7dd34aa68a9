import type { Attributes } from '@opentelemetry/api'
import type { Failure, Outcome, Usage } from '@spillway/middleware'
import type { Conventions } from './conventions.ts'

/** What the answer says of itself. */
export function answerAttributes(outcome: Outcome, { attributes: names }: Conventions): Attributes {
  const { model, stopReason, usage } = outcome
  return {
    ...(model === undefined ? {} : { [names.responseModel]: model }),
    ...(stopReason === undefined ? {} : { [names.finishReasons]: [stopReason] }),
    ...(usage === undefined
      ? {}
      : {
          [names.inputTokens]: allInput(usage),
          [names.outputTokens]: usage.outputTokens,
          [names.cacheReadTokens]: usage.cacheReadTokens,
          [names.cacheWriteTokens]: usage.cacheWriteTokens,
          [names.reasoningTokens]: usage.reasoningTokens,
          ...(usage.estimated ? { 'spillway.usage.estimated': true } : {}),
        }),
  }
}

/** The same for an attempt, under names of our own: sums over `gen_ai.usage.*` must see each token once. */
export function attemptAttributes(outcome: Outcome): Attributes {
  const { model, stopReason, usage, timings } = outcome
  return {
    ...(model === undefined ? {} : { 'spillway.response.model': model }),
    ...(stopReason === undefined ? {} : { 'spillway.response.finish_reason': stopReason }),
    ...(timings.headers === undefined ? {} : { 'spillway.time_to_headers': timings.headers / 1000 }),
    ...(timings.firstContent === undefined
      ? {}
      : { 'spillway.time_to_first_chunk': timings.firstContent / 1000 }),
    ...(usage === undefined
      ? {}
      : {
          'spillway.usage.input_tokens': allInput(usage),
          'spillway.usage.output_tokens': usage.outputTokens,
          'spillway.usage.estimated': usage.estimated,
        }),
  }
}

/** All prompt tokens: the conventions count those of the cache in. */
export function allInput(usage: Usage): number {
  return usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens
}

/** A failure without its message, which may quote what was asked. */
export function failureAttributes(failure: Failure): Attributes {
  return {
    'error.type': failure.kind,
    'spillway.failure.origin': failure.origin,
    ...(failure.phase === undefined ? {} : { 'spillway.failure.phase': failure.phase }),
    ...(failure.status === undefined ? {} : { 'spillway.failure.status': failure.status }),
    ...(failure.code === undefined ? {} : { 'spillway.failure.code': failure.code }),
    ...(failure.requestId === undefined ? {} : { 'spillway.failure.request_id': failure.requestId }),
  }
}
