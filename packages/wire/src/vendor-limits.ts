import type { ResponseHeaders } from '@spillway/middleware/kit'
import { goDuration, parsedDate, seconds, untilDate, untilUnixTime } from './rate-limit-reset.ts'
import { boundedWait, header } from './retry-after.ts'

/** What a vendor counts. */
export type VendorDimension = 'requests' | 'inputTokens' | 'outputTokens'

/** What a vendor's response says of one of its limits. */
export interface VendorLimit {
  readonly dimension: VendorDimension
  readonly limit: number | undefined
  readonly remaining: number
  /** Milliseconds until all of it is back; at most 24 days. */
  readonly resetMs: number
  /**
   * Over how many milliseconds the limit holds, where the header's name says so: vendors may tell of several limits of one
   * dimension. Where it does not, `limit * resetMs / (limit - remaining)` is the period of a limit that comes back steadily.
   */
  readonly periodMs?: number | undefined
}

interface Place {
  readonly dimension: VendorDimension
  /** The names of its headers. */
  readonly limit: string
  readonly remaining: string
  readonly reset: string
  /** What the names say. */
  readonly periodMs: number | undefined
}

const minute = 60_000
const day = 86_400_000

function place(dimension: VendorDimension, prefix: string, suffix = '', periodMs?: number): Place {
  const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map((part) => prefix + part + suffix)
  return { dimension, limit, remaining, reset, periodMs } as Place
}

const anthropic = (prefix: string): Place[] => [
  place('requests', `${prefix}requests-`),
  place('inputTokens', `${prefix}input-tokens-`),
  place('outputTokens', `${prefix}output-tokens-`),
]
/** Fast mode has separate limits; where they are named, the call counts against these. */
const anthropicFast = anthropic('anthropic-fast-')
const anthropicUsual = anthropic('anthropic-ratelimit-')

const x = 'x-ratelimit-'
// Services that count input and output together: the input is by far the larger part.
const others: readonly Place[] = [
  // OpenAI, Azure, Groq (whose requests are counted by the day).
  place('requests', x, '-requests'),
  place('inputTokens', x, '-tokens'),
  // OpenRouter, Together.
  place('requests', x),
  // Cerebras, Mistral.
  place('requests', x, '-requests-minute', minute),
  place('requests', x, '-requests-day', day),
  place('requests', x, '-req-minute', minute),
  place('inputTokens', x, '-tokens-minute', minute),
  place('inputTokens', x, '-tokens-day', day),
]

/**
 * Reads `anthropic-ratelimit-*` and `x-ratelimit-*` headers, in the dialects of OpenAI, Azure, Groq, Cerebras, Mistral and
 * OpenRouter. Only those that are whole and make sense.
 * @param epoch milliseconds since the Unix epoch, now
 */
export function vendorLimits(headers: ResponseHeaders, epoch: number): VendorLimit[] {
  const found: VendorLimit[] = []
  readPlaces(found, anthropicFast, headers, epoch)
  if (found.length === 0) readPlaces(found, anthropicUsual, headers, epoch)
  readPlaces(found, others, headers, epoch)
  return found
}

/** In a loop, for speed: most places are empty, and each answer is asked for all. */
function readPlaces(
  found: VendorLimit[],
  places: readonly Place[],
  headers: ResponseHeaders,
  epoch: number,
): void {
  let now: number | undefined
  for (const place of places) {
    const left = header(headers, place.remaining)
    if (left === undefined) continue
    now ??= vendorsNow(headers, epoch)
    const limit = readLimit(headers, place, left, now)
    if (limit !== undefined) found.push(limit)
  }
}

function readLimit(
  headers: ResponseHeaders,
  place: Place,
  said: string,
  now: number,
): VendorLimit | undefined {
  const left = amount(said)
  if (left === undefined) return undefined
  const limit = amount(header(headers, place.limit))
  // Azure says 0 or -1 where it counts nothing.
  if (limit === 0) return undefined
  const remaining = Math.min(left, limit ?? left)
  const told = untilReset(header(headers, place.reset), now)
  // Mistral names no time: it comes back over the period.
  const resetMs = told ?? steadily(place.periodMs, left, limit)
  if (resetMs === undefined) return undefined
  const { dimension, periodMs } = place
  return { dimension, limit, remaining, resetMs: boundedWait(resetMs), periodMs }
}

function steadily(periodMs: number | undefined, left: number, limit: number | undefined): number | undefined {
  return periodMs && limit && Math.max(0, (periodMs * (limit - left)) / limit)
}

function untilReset(value: string | undefined, now: number): number | undefined {
  return untilDate(value, now) ?? goDuration(value) ?? untilUnixTime(value, now) ?? seconds(value)
}

/** By how much clocks may differ, in milliseconds: a `date` has whole seconds. */
const sameTime = 2_000

/** The vendor's own present, from which its times are counted: the clock here may be wrong by minutes. */
function vendorsNow(headers: ResponseHeaders, epoch: number): number {
  const date = parsedDate(header(headers, 'date') ?? '')
  return Number.isNaN(date) || Math.abs(date - epoch) < sameTime ? epoch : date
}

const vendorLimit = /^(?:anthropic-(?:ratelimit|priority|fast)-|x-rate-?limit-|ratelimit(?:-|$))/

/**
 * Whether a response header says what a vendor's limits are and what is left of them: by the names of Anthropic, of OpenAI
 * and OpenRouter, and of the IETF's draft. `retry-after`, which concerns the call itself, is none.
 * @param name in lower case
 */
export function isVendorLimit(name: string): boolean {
  return vendorLimit.test(name)
}

/** By hand, for speed: an answer has six of them, and nearly all are digits alone. */
function amount(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  let read = 0
  for (let at = 0; at < value.length; at++) {
    const digit = value.charCodeAt(at) - 0x30
    if (digit < 0 || digit > 9) return /^\d{1,15}$/.test(value.trim()) ? Number(value) : undefined
    read = read * 10 + digit
  }
  return value.length > 0 && value.length <= 15 ? read : undefined
}
