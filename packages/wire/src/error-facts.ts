import type { FailureKind, FailureScope, ResponseHeaders } from '@spillway/middleware'
import { rateLimitResetMs } from './rate-limit-reset.ts'
import { boundedWait, header } from './retry-after.ts'
import { tellingWords } from './telling-words.ts'
import { idOf, nameField } from './upstream-text.ts'
import { field, stringField } from './usage.ts'
import { kindOfVendorCode, vagueCodes } from './vendor-codes.ts'

/** What an error says, whichever vendor's shape it has. */
export interface ErrorFacts {
  readonly code: string | undefined
  /** What the codes or the words mean, the most telling first. */
  readonly kind: FailureKind | undefined
  /** Whether a status at hand says more than `kind`. */
  readonly isVague: boolean
  /** Where it is narrower than the kind usually has it. */
  readonly scope: FailureScope | undefined
  readonly status: number | undefined
  readonly message: string | undefined
  readonly retryable: boolean | undefined
  readonly retryAfterMs: number | undefined
  readonly requestId: string | undefined
}

/**
 * Reads the shapes of Anthropic (`{type, error: {type, message, details: {error_code}}, request_id}`), OpenAI
 * (`{error: {message, type, param, code}}`), OpenRouter (numeric `code`, `metadata`, or `error_type`, `http_status` and
 * `availability`), Google (`{error: {code, message, status, details}}`), Azure (`{error: {code, message}}`), AWS
 * (`{message}`, with the type in a header or in `code` or `__type`), vLLM and SGLang (`{object: "error", message, type,
 * code}`), FastAPI (`{detail}`) and Ollama (`{error: "text"}`).
 */
export function readError(body: unknown, headers: ResponseHeaders, epoch: number): ErrorFacts {
  const error = field(body, 'error') ?? choiceError(body) ?? flatError(body)
  const metadata = field(error, 'metadata')
  const availability = field(error, 'availability')
  const codes = codesOf(error, availability, headers)
  const known = codes.filter((code) => kindOfVendorCode(code) !== undefined)
  const telling = known.find((code) => !vagueCodes.has(code)) ?? known[0]
  const isVague = telling !== undefined && vagueCodes.has(telling)
  const message = messageIn(error)
  const words = telling === undefined || isVague ? tellingWords(message ?? '') : undefined
  const status =
    asStatus(field(error, 'code')) ??
    asStatus(field(error, 'http_status')) ??
    asStatus(field(error, 'status'))
  const isModerated = isModeration(metadata)
  const retryable = field(availability, 'retryable')
  return {
    code: codes[0],
    kind: isModerated
      ? 'refusal'
      : (words?.kind ?? (telling === undefined ? undefined : kindOfVendorCode(telling))),
    isVague: isVague && words === undefined && !isModerated,
    scope: concernsRequestOnly(message) ? 'request' : undefined,
    status,
    message,
    retryable: typeof retryable === 'boolean' ? retryable : undefined,
    retryAfterMs:
      words?.until === undefined
        ? (waitIn(error, availability, metadata, epoch) ?? waitInWords(telling, message))
        : boundedWait(words.until - epoch),
    requestId: idOf(field(body, 'request_id')),
  }
}

function codesOf(error: unknown, availability: unknown, headers: ResponseHeaders): string[] {
  return [
    nameField(field(error, 'details'), 'error_code'),
    nameField(availability, 'code'),
    nameField(error, 'error_type'),
    nameField(field(error, 'metadata'), 'error_type'),
    nameField(field(error, 'innererror'), 'code'),
    exceptionName({ type: header(headers, 'x-amzn-errortype') }, 'type'),
    ...googleReasons(error),
    exceptionName(error, 'code'),
    exceptionName(error, '__type'),
    nameField(error, 'status'),
    nameField(error, 'type'),
  ].filter((code) => code !== undefined)
}

/** AWS puts a name space before the name of an exception, and an address behind it: `com.amazon#Name:http://…`. */
function exceptionName(value: unknown, name: string): string | undefined {
  const found = nameField(value, name)
  return found === undefined || !/Exception\b/.test(found)
    ? found
    : found.replace(/^.*#/, '').replace(/:.*$/, '')
}

/** Google says in `details` what its status leaves open. */
function googleReasons(error: unknown): (string | undefined)[] {
  const details = field(error, 'details')
  return Array.isArray(details) ? details.slice(0, 8).map((detail) => nameField(detail, 'reason')) : []
}

/** Errors whose fields stand at the top, without an `error` around them. */
function flatError(body: unknown): unknown {
  if (typeof field(body, 'error') === 'string') return field(body, 'error')
  const isFlat = ['message', 'Message', 'detail', '__type'].some((name) => field(body, name) !== undefined)
  return isFlat && field(body, 'choices') === undefined && field(body, 'content') === undefined
    ? body
    : undefined
}

function messageIn(error: unknown): string | undefined {
  if (typeof error === 'string') return error
  const detail = field(error, 'detail')
  return (
    stringField(error, 'message') ??
    stringField(error, 'Message') ??
    (typeof detail === 'string' ? detail : undefined) ??
    fieldErrors(detail) ??
    // Mistral has the list one level deeper.
    fieldErrors(field(field(error, 'message'), 'detail')) ??
    stringField(detail, 'message')
  )
}

/** FastAPI names what is wrong with a request in a list: the place of each field, and what is wrong there. */
function fieldErrors(detail: unknown): string | undefined {
  if (!Array.isArray(detail)) return undefined
  const said = detail.slice(0, 8).flatMap((each) => {
    const loc = field(each, 'loc')
    const place = Array.isArray(loc) ? loc.slice(0, 8).filter((step) => step !== 'body') : []
    const words = stringField(each, 'msg')
    return words === undefined ? [] : [place.length === 0 ? words : `${place.join('.')}: ${words}`]
  })
  return said.length === 0 ? undefined : said.join('; ')
}

/** OpenRouter refuses a prompt that a provider's moderation has flagged: 403, and no word about the key. */
function isModeration(metadata: unknown): boolean {
  return Array.isArray(field(metadata, 'reasons')) || field(metadata, 'flagged_input') !== undefined
}

/**
 * OpenRouter's 402 for a call that asks for more tokens than the balance covers; a smaller one would pass. Its code is that
 * of an empty balance. Seen to 2026 (OpenRouter docs, errors).
 */
function concernsRequestOnly(message: string | undefined): boolean {
  return message !== undefined && /^This request requires more credits\b|\bcan only afford \d/.test(message)
}

function waitIn(error: unknown, availability: unknown, metadata: unknown, epoch: number): number | undefined {
  const wait = field(availability, 'retry_after')
  if (typeof wait === 'number' && wait >= 0) return boundedWait(wait * 1000)
  const headers = field(metadata, 'headers')
  if (typeof headers === 'object' && headers !== null) {
    // OpenRouter tells of its daily limit here alone.
    const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)])
    return rateLimitResetMs(Object.fromEntries(lower), epoch)
  }
  const details = field(error, 'details')
  if (!Array.isArray(details)) return undefined
  // google.rpc.RetryInfo
  const delay = details
    .slice(0, 8)
    .map((detail) => /^(\d{1,7}(?:\.\d+)?)s$/.exec(stringField(detail, 'retryDelay') ?? ''))
  const seconds = delay.find((match) => match !== null)?.[1]
  return seconds === undefined ? undefined : boundedWait(Number(seconds) * 1000)
}

/** OpenAI says it in words alone inside a stream, which has no more headers: "Please try again in 1.898s." */
function waitInWords(code: string | undefined, message = ''): number | undefined {
  if (code !== 'rate_limit_exceeded') return undefined
  const [, amount, unit] = /\btry again in (\d{1,7}(?:\.\d+)?)(ms|s)\b/.exec(message) ?? []
  return amount === undefined ? undefined : boundedWait(Number(amount) * (unit === 'ms' ? 1 : 1000))
}

function choiceError(body: unknown): unknown {
  const choices = field(body, 'choices')
  return Array.isArray(choices) ? choices.map((choice) => field(choice, 'error')).find(Boolean) : undefined
}

function asStatus(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isInteger(number) && number >= 400 && number < 600
    ? number
    : undefined
}
