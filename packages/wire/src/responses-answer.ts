import type { Failure, Usage } from '@spillway/middleware'
import { classifyErrorBody } from './failure-classification.ts'
import { objectsOf } from './json/values.ts'
import { modelRefusal } from './model-refusal.ts'
import { responsesUsage } from './openai-usage.ts'
import { malformedFailure } from './transport-failure.ts'
import { longestReason, nameField } from './upstream-text.ts'
import { field } from './usage.ts'

/** What a response object of OpenAI Responses says of itself. */
export interface ReadResponse {
  readonly failure: Failure | undefined
  readonly usage: Usage | undefined
  /** `completed`, or why it is incomplete; undefined while it runs in the background. */
  readonly stopReason: string | undefined
  /** Of an answer that declines to give one; it is passed on like any other. */
  readonly refusal: Failure | undefined
}

/** Reads a response object, whole or in the last event of a stream. */
export function readResponse(response: unknown): ReadResponse {
  const output = field(response, 'output')
  const status = field(response, 'status')
  const usage = responsesUsage(field(response, 'usage'), response)
  const failed = (failure: Failure): ReadResponse => ({
    ...{ failure, usage, stopReason: undefined, refusal: undefined },
  })
  if (status === 'failed' || status === 'cancelled') {
    const message = status === 'failed' ? 'the response failed' : 'the upstream cancelled the response'
    const error = field(response, 'error') ?? { code: 'server_error', message }
    return failed(classifyErrorBody({ error }))
  }
  if (!Array.isArray(output)) return failed(malformedFailure('the answer has no output'))
  const reason = nameField(field(response, 'incomplete_details'), 'reason', longestReason)
  const isIncomplete = status === 'incomplete'
  const isRunning = status === 'queued' || status === 'in_progress'
  return {
    failure: undefined,
    usage,
    stopReason: isRunning ? undefined : isIncomplete ? (reason ?? 'incomplete') : 'completed',
    refusal: (isIncomplete && reason === 'content_filter') || hasRefusal(output) ? modelRefusal() : undefined,
  }
}

/** Whether the model declines in its own words. */
function hasRefusal(output: readonly unknown[]): boolean {
  return objectsOf(output).some(
    ({ type, content }) => type === 'message' && objectsOf(content).some((part) => part.type === 'refusal'),
  )
}
