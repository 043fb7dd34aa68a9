import type { Failure, FailureKind, ResponseHeaders } from '@spillway/middleware'
import { isRetryableKind, kindOfCode, kindOfStatus, scopeOf, vagueCodes } from './failure-kinds.ts'
import { rateLimitResetMs } from './rate-limit-reset.ts'
import { boundedWait, header, retryAfterMs } from './retry-after.ts'
import { idOf, messageOf, nameField } from './upstream-text.ts'
import { field, stringField } from './usage.ts'

/** What an error body says, whichever vendor's shape it has. */
interface ErrorFacts {
  readonly code: string | undefined
  /** What the codes mean, the most telling first. */
  readonly kind: FailureKind | undefined
  readonly isVague: boolean
  readonly status: number | undefined
  readonly message: string | undefined
  readonly retryable: boolean | undefined
  readonly retryAfterMs: number | undefined
  readonly requestId: string | undefined
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
  const facts = readError(body)
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
    scope: scopeOf(kind),
    origin: 'upstream',
    status,
    code: facts.code,
    requestId:
      idOf(header(headers, 'request-id')) ?? idOf(header(headers, 'x-request-id')) ?? facts.requestId,
    phase: kind === 'timeout' ? 'headers' : undefined,
  }
}

/** Classifies an error that came inside a 200, as JSON or as an event of a stream. */
export function classifyErrorBody(body: unknown): Failure {
  const facts = readError(body)
  const kind = kindOf(facts, facts.status)
  return {
    kind,
    message: messageOf(facts.message ?? 'the upstream reported an error inside its answer'),
    retryable: facts.retryable ?? isRetryableKind(kind),
    retryAfterMs: facts.retryAfterMs,
    scope: scopeOf(kind),
    origin: 'upstream',
    status: facts.status,
    code: facts.code,
    requestId: facts.requestId,
    phase: kind === 'timeout' ? 'first_content' : undefined,
  }
}

/** Whether a parsed body that came with a 200 is an error nevertheless. */
export function isErrorBody(body: unknown): boolean {
  if (field(body, 'type') === 'error') return true
  if (field(body, 'error') != null) return true
  const choices = field(body, 'choices')
  return Array.isArray(choices) && choices.some(isFailedChoice)
}

/** Whether a choice of an answer, or of a chunk of one, is an error. */
export function isFailedChoice(choice: unknown): boolean {
  return field(choice, 'error') != null || field(choice, 'finish_reason') === 'error'
}

/** What there is to say where the upstream says nothing. */
function withoutWords(status: number): string {
  if (status >= 300 && status < 400 && status !== 304) {
    return `the upstream answered with a redirect (${status}), which is not followed: set the URL of the endpoint to where it leads`
  }
  return `the upstream answered with status ${status}`
}

function kindOf(facts: ErrorFacts, status: number | undefined): FailureKind {
  if (status === undefined) return facts.kind ?? 'server'
  return facts.kind === undefined || facts.isVague ? kindOfStatus(status) : facts.kind
}

function retryableByDefault(kind: FailureKind, status: number): boolean {
  if (status >= 300 && status < 400) return false
  return isRetryableKind(kind)
}

/**
 * Reads the shapes of Anthropic (`{type, error: {type, message, details: {error_code}}, request_id}`), OpenAI
 * (`{error: {message, type, param, code}}`), OpenRouter (numeric `code`, `metadata.error_type`, or `error_type`,
 * `http_status` and `availability`) and Ollama (`{error: "text"}`).
 */
function readError(body: unknown): ErrorFacts {
  const error = field(body, 'error') ?? choiceError(body)
  const numericCode = field(error, 'code')
  const status = asStatus(numericCode) ?? asStatus(field(error, 'http_status'))
  const availability = field(error, 'availability')
  const codes = [
    nameField(field(error, 'details'), 'error_code'),
    nameField(availability, 'code'),
    nameField(error, 'error_type'),
    nameField(field(error, 'metadata'), 'error_type'),
    nameField(error, 'code'),
    nameField(error, 'type'),
  ].filter((code) => code !== undefined)
  const known = codes.filter(isKnownCode)
  const telling = known.find((code) => !vagueCodes.has(code)) ?? known[0]
  const retryable = field(availability, 'retryable')
  const wait = field(availability, 'retry_after')
  return {
    code: codes[0],
    kind: telling === undefined ? undefined : kindOfCode[telling],
    isVague: telling !== undefined && vagueCodes.has(telling),
    status,
    message: typeof error === 'string' ? error : stringField(error, 'message'),
    retryable: typeof retryable === 'boolean' ? retryable : undefined,
    retryAfterMs: typeof wait === 'number' && wait >= 0 ? boundedWait(wait * 1000) : undefined,
    requestId: idOf(field(body, 'request_id')),
  }
}

function choiceError(body: unknown): unknown {
  const choices = field(body, 'choices')
  return Array.isArray(choices) ? choices.map((choice) => field(choice, 'error')).find(Boolean) : undefined
}

function isKnownCode(code: string): boolean {
  return Object.hasOwn(kindOfCode, code)
}

function asStatus(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 400 && value < 600
    ? value
    : undefined
}
