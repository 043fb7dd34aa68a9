import type { Failure, Outcome, Usage } from '@spillway/middleware'
import { failureKinds } from './failure-kinds.ts'
import { nameField } from './upstream-text.ts'
import { field, stringField } from './usage.ts'

/** Why an answer ends that the model, or a classifier in front of it, declined to give. */
const refusing: ReadonlySet<string> = new Set(['refusal', 'content_filter'])

/**
 * The failure of an answer that declines: a success in HTTP, and nothing that another attempt at the same model would change.
 * Not to be confused with a refusal of Spillway's own, nor with an error that says so: this one is an answer.
 * @param category the vendor's name for what was declined
 */
export function modelRefusal(category?: string): Failure {
  const { retryable, scope } = failureKinds.refusal
  return {
    kind: 'refusal',
    message: `the model declined to answer${category === undefined ? '' : ` (${category})`}`,
    retryable,
    scope,
    origin: 'upstream',
    code: category,
  }
}

/** Whether an outcome is that of an answer that declines, whose endpoint is well. */
export function isModelRefusal({ failure, stopReason }: Outcome): boolean {
  return failure?.kind === 'refusal' && stopReason !== undefined
}

/** What an Anthropic message, or the `delta` of its `message_delta`, says of a refusal. */
export function refusalOfMessage(message: unknown): Failure | undefined {
  if (field(message, 'stop_reason') !== 'refusal') return undefined
  return modelRefusal(nameField(field(message, 'stop_details'), 'category'))
}

/**
 * What a choice of a chat completion, whole or a chunk, says of a refusal: it was filtered, OpenRouter passes on Claude's word
 * for it, or the model declines in `refusal` instead of `content`.
 */
export function refusalOfChoice(choice: unknown): Failure | undefined {
  for (const name of ['finish_reason', 'native_finish_reason']) {
    if (refusing.has(stringField(choice, name) ?? '')) return modelRefusal()
  }
  const said = stringField(field(choice, 'message') ?? field(choice, 'delta'), 'refusal')
  return said ? modelRefusal() : undefined
}

/**
 * Anthropic shows the tokens of a refusal before any output, and does not bill them (platform.claude.com, refusals and
 * fallback, 2026-11). Where its server asked several models, each is billed for itself.
 */
export function unbilledUsage(usage: Usage | undefined, raw: unknown): Usage | undefined {
  const iterations = field(raw, 'iterations')
  if (usage === undefined || usage.cost !== undefined) return usage
  if (Array.isArray(iterations) && iterations.length > 1) return usage
  return { ...usage, cost: 0 }
}

/** Whether a message's content says nothing: the seams between models are no output. */
export function hasNoOutput(content: readonly unknown[]): boolean {
  return content.every((block) => field(block, 'type') === 'fallback')
}
