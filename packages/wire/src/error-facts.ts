import type { FailureKind } from '@spillway/middleware'
import type { FailureScope, ResponseHeaders } from '@spillway/middleware/kit'
import { errorIn, messageIn, relayedError } from './error-shapes.ts'
import { failureKinds } from './failure-kinds.ts'
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
 * code}`), FastAPI (`{detail}`), Ollama (`{error: "text"}`), xAI (`{code, error: "text"}`), MiniMax (`base_resp`), lists of
 * errors, and those of relays that hold another one's error (`errorIn`, `relayedError`).
 */
export function readError(body: unknown, headers: ResponseHeaders, epoch: number): ErrorFacts {
  const error = errorIn(body)
  const metadata = field(error, 'metadata')
  const availability = field(error, 'availability')
  const message = messageIn(error)
  const relayed = message === undefined ? undefined : relayedError(error, message)
  const own = codesOf(error, availability, headers)
  const codes = relayed === undefined ? own : [...own, ...codesOf(relayed.error, undefined, {})]
  const known = codes.filter((code) => kindOfVendorCode(code) !== undefined)
  const telling = known.find((code) => !vagueCodes.has(code)) ?? known[0]
  const isVague = telling !== undefined && vagueCodes.has(telling)
  const words = tellingWords(relayed?.message ?? message ?? '', telling !== undefined && !isVague)
  const status = statusNames.map((name) => asStatus(field(error, name))).find((found) => found !== undefined)
  const isModerated = isModeration(metadata)
  const retryable = field(availability, 'retryable')
  const told = words?.kind ?? (telling === undefined ? undefined : kindOfVendorCode(telling))
  // The key that was refused is the relay's, with whoever is behind it.
  const isOfRelay = relayed !== undefined && (words !== undefined || !own.includes(telling ?? ''))
  return {
    code: codes[0],
    kind: isModerated ? 'refusal' : told,
    isVague: isVague && words === undefined && !isModerated,
    scope:
      words?.scope ?? (concernsRequestOnly(message) ? 'request' : isOfRelay ? scopeBehind(told) : undefined),
    status: status ?? asStatus(field(body, 'status_code')),
    message: relayed?.isAll ? relayed.message : message,
    retryable: typeof retryable === 'boolean' ? retryable : words?.retryable,
    retryAfterMs:
      words?.until === undefined
        ? (waitIn(error, availability, metadata, epoch) ?? waitInWords(telling, message))
        : boundedWait(words.until - epoch),
    requestId: idOf(field(body, 'request_id')),
  }
}

/** Where errors give their status, besides in the response. */
const statusNames = ['code', 'http_status', 'status', 'http_code', 'StatusCode', 'statusCode'] as const

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
    stringField(error, 'message') === undefined ? undefined : nameField(error, 'error'),
  ].filter((code) => code !== undefined && code !== 'error' && asStatus(code) === undefined) as string[]
}

/** AWS puts a name space before the name of an exception, and an address behind it: `com.amazon#Name:http://…`. */
function exceptionName(value: unknown, name: string): string | undefined {
  const found = nameField(value, name)
  return found === undefined || !/Exception\b|:https?:/.test(found)
    ? found
    : found.replace(/^.*#/, '').replace(/:.*$/, '')
}

/** Google says in `details` what its status leaves open. */
function googleReasons(error: unknown): (string | undefined)[] {
  const details = field(error, 'details')
  return Array.isArray(details) ? details.slice(0, 8).map((detail) => nameField(detail, 'reason')) : []
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

/** What an error says something about that a relay passes on: its keys are none of ours. */
function scopeBehind(kind: FailureKind | undefined): FailureScope | undefined {
  return kind !== undefined && failureKinds[kind].scope === 'key' ? 'model' : undefined
}

function waitIn(error: unknown, availability: unknown, metadata: unknown, epoch: number): number | undefined {
  const wait = field(availability, 'retry_after')
  if (typeof wait === 'number' && wait >= 0) return boundedWait(wait * 1000)
  const resets = field(error, 'resets_in_seconds')
  if (typeof resets === 'number' && resets >= 0) return boundedWait(resets * 1000)
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

/**
 * OpenAI says it in words alone inside a stream, which has no more headers: "Please try again in 1.898s." Azure's front does at times:
 * "Please retry after 6 seconds." (seen to 2026-11).
 */
function waitInWords(code: string | undefined, message = ''): number | undefined {
  const [, seconds] = /\bPlease retry after (\d{1,7}) seconds?\b/.exec(message) ?? []
  if (seconds !== undefined) return boundedWait(Number(seconds) * 1000)
  if (code !== 'rate_limit_exceeded') return undefined
  const [, amount, unit] = /\btry again in (\d{1,7}(?:\.\d+)?)(ms|s)\b/.exec(message) ?? []
  return amount === undefined ? undefined : boundedWait(Number(amount) * (unit === 'ms' ? 1 : 1000))
}

function asStatus(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isInteger(number) && number >= 400 && number < 600
    ? number
    : undefined
}
