import type { Api, Failure, FailureKind } from '@spillway/middleware'
import type { ResponseHeaders, Venue } from '@spillway/middleware/kit'
import { type ErrorFacts, readError } from './error-facts.ts'
import { isUnsuccessful } from './error-shapes.ts'
import { failureKinds, kindOfStatus } from './failure-kinds.ts'
import { rateLimitResetMs } from './rate-limit-reset.ts'
import { header, retryAfterMs } from './retry-after.ts'
import { idOf, messageOf } from './upstream-text.ts'
import { field, stringField } from './usage.ts'

/** Headers in which vendors, AWS and Azure give a request's id. */
const idHeaders = ['request-id', 'x-request-id', 'x-amzn-requestid', 'apim-request-id'] as const

/** The vendor's id of the request, as its response's headers give it. */
function requestIdOf(headers: ResponseHeaders): string | undefined {
  return idHeaders.map((name) => idOf(header(headers, name))).find((id) => id !== undefined)
}

/** A failure of a call that the vendor has begun to answer, with the id that the headers of its response gave. */
export function withRequestIdOf(headers: ResponseHeaders, failure: Failure): Failure {
  if (failure.requestId !== undefined) return failure
  const requestId = requestIdOf(headers)
  return requestId === undefined ? failure : { ...failure, requestId }
}

/**
 * Classifies an HTTP error response.
 * @param body the parsed body, or undefined when it is not JSON
 * @param epoch milliseconds since the Unix epoch, now; for `retry-after` dates
 */
export function classifyHttpError(
  status: number,
  headers: ResponseHeaders,
  body: unknown,
  epoch: number,
): Failure {
  const facts = readError(body, headers, epoch)
  const kind = kindOf(facts, status)
  const advice = header(headers, 'x-should-retry')
  const retryable =
    advice === 'true' || (advice !== 'false' && (facts.retryable ?? retryableByDefault(kind, status)))
  return {
    kind,
    message: messageOf(facts.message ?? withoutWords(status)),
    retryable,
    retryAfterMs:
      retryAfterMs(headers, epoch) ??
      facts.retryAfterMs ??
      (kind === 'rate_limited' ? rateLimitResetMs(headers, epoch) : undefined),
    scope: facts.scope ?? (isFirewallPage(status, headers) ? 'request' : failureKinds[kind].scope),
    origin: 'upstream',
    status,
    code: facts.code,
    requestId: requestIdOf(headers) ?? facts.requestId,
    phase: kind === 'timeout' ? 'headers' : undefined,
  }
}

/** Classifies an error that came inside a 200, as JSON or as an event of a stream. */
export function classifyErrorBody(body: unknown, epoch = 0): Failure {
  const facts = readError(body, {}, epoch)
  const kind = kindOf(facts, facts.status)
  return {
    kind,
    message: messageOf(facts.message ?? 'the upstream reported an error inside its answer'),
    retryable: facts.retryable ?? failureKinds[kind].retryable,
    retryAfterMs: facts.retryAfterMs,
    scope: facts.scope ?? failureKinds[kind].scope,
    origin: 'upstream',
    status: facts.status,
    code: facts.code,
    requestId: facts.requestId,
    phase: kind === 'timeout' ? 'first_content' : undefined,
  }
}

/** Whether a parsed body that came with a 200 is an error nevertheless. */
export function isErrorBody(body: unknown): boolean {
  if (field(body, 'type') === 'error' || field(body, 'object') === 'error') return true
  if (field(body, 'error') != null || isUnsuccessful(body)) return true
  const choices = field(body, 'choices')
  if (Array.isArray(choices)) return choices.some(isFailedChoice)
  return field(body, 'detail') != null && field(body, 'content') === undefined
}

/** Whether a choice of an answer, or of a chunk of one, is an error. */
export function isFailedChoice(choice: unknown): boolean {
  return field(choice, 'error') != null || field(choice, 'finish_reason') === 'error'
}

/** Whether an error has the form that the clients of a protocol, or of a venue, read. */
export function isErrorOf(api: Api, body: unknown, venue?: Venue): boolean {
  if (venue === 'bedrock') return stringField(body, 'message') !== undefined
  const error = field(body, 'error')
  if (stringField(error, 'message') === undefined) return false
  // Vertex passes Claude's own errors on, beside those of Google.
  if (api !== 'anthropic' || venue === 'vertex') return true
  return field(body, 'type') === 'error' && stringField(error, 'type') !== undefined
}

/** What there is to say where the upstream says nothing. */
function withoutWords(status: number): string {
  if (status >= 300 && status < 400 && status !== 304) {
    return `the upstream answered with a redirect (${status}), which is not followed: set the URL of the endpoint to where it leads`
  }
  return `the upstream answered with status ${status}`
}

/** Vendors refuse a key in their own form; a page for people is from a firewall that dislikes this request. */
function isFirewallPage(status: number, headers: ResponseHeaders): boolean {
  return status === 403 && /^\s*text\/html\b/i.test(header(headers, 'content-type') ?? '')
}

function kindOf(facts: ErrorFacts, status: number | undefined): FailureKind {
  if (status === undefined) return facts.kind ?? 'server'
  return facts.kind === undefined || facts.isVague ? kindOfStatus(status) : facts.kind
}

function retryableByDefault(kind: FailureKind, status: number): boolean {
  if (status >= 300 && status < 400) return false
  return failureKinds[kind].retryable
}
