import type { Attributes, Span } from '@opentelemetry/api'
import type { Failure, Outcome, Usage } from '@spillway/middleware'
import type { Conventions } from './conventions.ts'

/** What the answer says of itself. One by one: to collect them first costs more than to set them. */
export function setAnswer(span: Span, outcome: Outcome, { attributes: names }: Conventions): void {
  const { model, stopReason, usage } = outcome
  if (model !== undefined) span.setAttribute(names.responseModel, model)
  if (stopReason !== undefined) span.setAttribute(names.finishReasons, [stopReason])
  if (usage === undefined) return
  span.setAttribute(names.inputTokens, allInput(usage))
  span.setAttribute(names.outputTokens, usage.outputTokens)
  // 0 also means that the vendor does not report it, which the conventions want left out.
  if (usage.cacheReadTokens !== 0) span.setAttribute(names.cacheReadTokens, usage.cacheReadTokens)
  if (usage.cacheWriteTokens !== 0) span.setAttribute(names.cacheWriteTokens, usage.cacheWriteTokens)
  if (usage.reasoningTokens !== 0) span.setAttribute(names.reasoningTokens, usage.reasoningTokens)
  if (usage.estimated) span.setAttribute('spillway.usage.estimated', true)
}

/** The same for an attempt, under names of our own: sums over `gen_ai.usage.*` must see each token once. */
export function setAttempt(span: Span, { model, stopReason, usage, timings }: Outcome): void {
  const { headers, firstContent } = timings
  if (model !== undefined) span.setAttribute('spillway.response.model', model)
  if (stopReason !== undefined) span.setAttribute('spillway.response.finish_reason', stopReason)
  if (headers !== undefined) span.setAttribute('spillway.time_to_headers', headers / 1000)
  if (firstContent !== undefined) span.setAttribute('spillway.time_to_first_chunk', firstContent / 1000)
  if (usage === undefined) return
  span.setAttribute('spillway.usage.input_tokens', allInput(usage))
  span.setAttribute('spillway.usage.output_tokens', usage.outputTokens)
  if (usage.estimated) span.setAttribute('spillway.usage.estimated', true)
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
