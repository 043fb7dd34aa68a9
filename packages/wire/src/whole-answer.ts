import type { Api, Failure, Usage } from '@spillway/middleware'
import type { Operation, ResponseHeaders, Venue } from '@spillway/middleware/kit'
import { answerBytes } from './answer-bytes.ts'
import { anthropicUsage } from './anthropic-usage.ts'
import { parseBounded } from './bounded-json.ts'
import { classifyErrorBody, classifyHttpError, isErrorBody, isErrorOf } from './failure-classification.ts'
import { hasNoOutput, refusalOfChoice, refusalOfMessage, unbilledUsage } from './model-refusal.ts'
import { responsesUsage, usageOfCompletion } from './openai-usage.ts'
import { outputTokensOf } from './output-estimate.ts'
import { readResponse } from './responses-answer.ts'
import { malformedFailure } from './transport-failure.ts'
import { longestReason, nameField } from './upstream-text.ts'
import { field } from './usage.ts'

/** What an answer that was not streamed says. */
export interface WholeAnswer {
  readonly failure: Failure | undefined
  /** Whether a caller can be given the body as it is: an error in the form of the protocol, or the page of an HTTP error. */
  readonly isErrorBody: boolean
  readonly usage: Usage | undefined
  /** Roughly what the answer has, where its usage does not tell; else 0. */
  readonly outputTokens: number
  readonly stopReason: string | undefined
  /** Of an answer that declines to give one; it is passed on like any other. */
  readonly refusal: Failure | undefined
  readonly model: string | undefined
}

/** Whether a success of this status has no body, whatever the upstream sends: no client would read it. */
export function isBodiless(status: number): boolean {
  return status === 204 || status === 205
}

/**
 * Reads a whole body: an answer, an HTTP error, or an error inside a 200.
 * @param epoch milliseconds since the Unix epoch, now
 */
export function readWholeAnswer(
  asked: { readonly api: Api; readonly operation: Operation; readonly venue?: Venue | undefined },
  status: number,
  headers: ResponseHeaders,
  bytes: Uint8Array,
  epoch: number,
): WholeAnswer {
  const body = withoutList(parseBounded(bytes))
  const failed = (failure: Failure): WholeAnswer =>
    failedAnswer(failure, isErrorOf(asked.api, body, asked.venue))
  if (status < 200 || status >= 300) {
    const failure = classifyHttpError(status, headers, body, epoch)
    return failedAnswer(failure, body === undefined || isErrorOf(asked.api, body, asked.venue))
  }
  if (isBodiless(status)) return failed(malformedFailure(`a response of status ${status} holds no answer`))
  if (bytes.length === 0) return failed(malformedFailure('the upstream answered with an empty body'))
  if (body === undefined)
    return failed(malformedFailure('the upstream answered with something that is not JSON'))
  if (isErrorBody(body)) {
    // A response that has failed says what it took nevertheless.
    const usage = asked.api === 'responses' ? responsesUsage(field(body, 'usage'), body) : undefined
    return { ...failed(classifyErrorBody(body, epoch)), usage }
  }
  if (asked.operation === 'count_tokens') {
    if (typeof field(body, asked.venue === 'bedrock' ? 'inputTokens' : 'input_tokens') !== 'number')
      return failed(malformedFailure('the answer has no count'))
    return ok(body, {})
  }
  if (asked.api === 'anthropic') {
    const content = field(body, 'content')
    if (!Array.isArray(content)) return failed(malformedFailure('the answer has no content'))
    const raw = field(body, 'usage')
    const refusal = refusalOfMessage(body)
    const usage = anthropicUsage(raw)
    const billed = refusal !== undefined && hasNoOutput(content) ? unbilledUsage(usage, raw) : usage
    const stopReason = nameField(body, 'stop_reason', longestReason)
    return ok(body, { usage: billed, stopReason, refusal, outputTokens: unsaid(asked.api, body, usage) })
  }
  if (asked.api === 'responses') {
    const { failure, ...said } = readResponse(body)
    if (failure !== undefined) return { ...failed(failure), usage: said.usage }
    return ok(body, { ...said, outputTokens: unsaid(asked.api, body, said.usage) })
  }
  const choices = field(body, 'choices')
  if (!Array.isArray(choices) || choices.length === 0)
    return failed(malformedFailure('the answer has no choices'))
  const stopReason = nameField(choices[0], 'finish_reason', longestReason)
  const usage = usageOfCompletion(body)
  const refusal = refusalOfChoice(choices[0])
  return ok(body, { usage, stopReason, refusal, outputTokens: unsaid(asked.api, body, usage) })
}

/** Google puts the error of a streaming method into a list of one. */
function withoutList(body: unknown): unknown {
  return Array.isArray(body) && body.length === 1 && field(body[0], 'error') != null ? body[0] : body
}

/** Roughly how many tokens an answer has whose usage does not say so. */
function unsaid(api: Api, body: unknown, usage: Usage | undefined): number {
  if (usage !== undefined && usage.outputTokens > 0) return 0
  return outputTokensOf({
    contentBytes: answerBytes(api, body),
    textEvents: 1,
    model: nameField(body, 'model'),
  })
}

function ok(body: unknown, said: Partial<WholeAnswer>): WholeAnswer {
  return {
    failure: undefined,
    isErrorBody: false,
    usage: said.usage,
    outputTokens: said.outputTokens ?? 0,
    stopReason: said.stopReason,
    refusal: said.refusal,
    model: nameField(body, 'model'),
  }
}

function failedAnswer(failure: Failure, isErrorBody: boolean): WholeAnswer {
  return {
    failure,
    isErrorBody,
    usage: undefined,
    outputTokens: 0,
    stopReason: undefined,
    refusal: undefined,
    model: undefined,
  }
}
