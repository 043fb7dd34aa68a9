import type { ResponseHeaders } from '@spillway/middleware'
import { goDuration, untilDate, untilUnixTime } from './rate-limit-reset.ts'
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
}

const places: readonly (readonly [dimension: VendorDimension, prefix: string, suffix: string])[] = [
  ['requests', 'anthropic-ratelimit-requests-', ''],
  ['inputTokens', 'anthropic-ratelimit-input-tokens-', ''],
  ['outputTokens', 'anthropic-ratelimit-output-tokens-', ''],
  ['requests', 'x-ratelimit-', '-requests'],
  // OpenAI counts input and output together; the input is by far the larger part.
  ['inputTokens', 'x-ratelimit-', '-tokens'],
]

/**
 * Reads `anthropic-ratelimit-*` and OpenAI's `x-ratelimit-*` headers. Only those that are whole and make sense.
 * @param epoch milliseconds since the Unix epoch, now
 */
export function vendorLimits(headers: ResponseHeaders, epoch: number): VendorLimit[] {
  return places.flatMap(([dimension, prefix, suffix]) => {
    const remaining = amount(header(headers, `${prefix}remaining${suffix}`))
    const reset = header(headers, `${prefix}reset${suffix}`)
    const resetMs = untilDate(reset, epoch) ?? goDuration(reset) ?? untilUnixTime(reset, epoch)
    if (remaining === undefined || resetMs === undefined) return []
    return [
      {
        dimension,
        limit: amount(header(headers, `${prefix}limit${suffix}`)),
        remaining,
        resetMs: boundedWait(resetMs),
      },
    ]
  })
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

function amount(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,15}$/.test(value.trim()) ? Number(value) : undefined
}
