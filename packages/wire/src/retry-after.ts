import type { ResponseHeaders } from '@spillway/middleware/kit'

/**
 * The longest wait that is passed on, in milliseconds: 24 days. One timer can represent it (2^31 - 1 ms are 24.8 days);
 * beyond that, Node's timers fire at once, and the SDKs fall back to waits of seconds.
 */
export const longestWait: number = 24 * 24 * 3_600_000

/** A number that is a Unix time this close to now is meant as one: as a delay it would be half a century. */
const unixTimeWithin = 5 * 365 * 24 * 3_600_000

/** No Unix time in use is below this, in milliseconds; it tells delays apart where a clock is at 1970. */
const firstUnixTime = 1e12

/** A header's value; the first one where it came more than once. */
export function header(headers: ResponseHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : value?.[0]
}

/** The three forms of RFC 9110, section 5.6.7; the last one names no zone and means UTC. */
const httpDate =
  /^(?:[a-z]{3}, \d\d? [a-z]{3} \d{4} [\d:]{8} (?:GMT|UTC)|[a-z]{6,9}, \d\d-[a-z]{3}-\d\d [\d:]{8} GMT|[a-z]{3} [a-z]{3} [ \d]\d [\d:]{8} \d{4})$/i

/**
 * How long the server asks to wait, in milliseconds, at most {@link longestWait}: `retry-after-ms` first, else
 * `retry-after` as seconds or as an HTTP date (RFC 9110, section 10.2.3), or as the Unix time that some servers send by
 * mistake. Undefined when neither makes sense; 0 for a date that has passed.
 * @param epoch milliseconds since the Unix epoch, now
 */
export function retryAfterMs(headers: ResponseHeaders, epoch: number): number | undefined {
  const milliseconds = nonNegative(header(headers, 'retry-after-ms'))
  if (milliseconds !== undefined) return waitOf(milliseconds, 1, epoch)
  const value = header(headers, 'retry-after')?.trim()
  const seconds = nonNegative(value)
  if (seconds !== undefined) return waitOf(seconds, 1000, epoch)
  if (value === undefined || !httpDate.test(value)) return undefined
  const date = Date.parse(/\d$/.test(value) ? `${value} GMT` : value)
  return Number.isNaN(date) ? undefined : boundedWait(date - epoch)
}

/**
 * What a number means that should be a delay, in milliseconds: a delay, or the Unix time when it ends.
 * @param unit milliseconds of one
 */
export function waitOf(value: number, unit: 1 | 1000, epoch: number): number {
  for (const scale of [unit, 1]) {
    const until = value * scale - epoch
    if (value * scale >= firstUnixTime && Math.abs(until) < unixTimeWithin) return boundedWait(until)
  }
  return boundedWait(value * unit)
}

/** A wait of 0 to {@link longestWait}; what is larger than any number is the longest. */
export function boundedWait(ms: number): number {
  return Number.isNaN(ms) ? 0 : Math.min(longestWait, Math.max(0, ms))
}

/**
 * The headers of an error as a caller may have them: one wait in each header, none longer than {@link longestWait}. The
 * same object where there is nothing to change.
 */
export function withBoundedWaits(headers: ResponseHeaders, epoch: number): ResponseHeaders {
  let bounded: Record<string, string | readonly string[]> | undefined
  for (const [name, unit] of waitHeaders) {
    const value = header(headers, name)
    if (value === undefined) continue
    const wait = retryAfterMs({ [name]: value }, epoch)
    if (value === headers[name] && (wait === undefined || says(value, unit, wait))) continue
    bounded ??= { ...headers }
    if (wait === undefined) delete bounded[name]
    else bounded[name] = String(Math.ceil(wait / unit))
  }
  return bounded ?? headers
}

const waitHeaders = [
  ['retry-after-ms', 1],
  ['retry-after', 1000],
] as const

/** Whether the value of a header means this wait to everyone who reads it. */
function says(value: string, unit: number, wait: number): boolean {
  const number = nonNegative(value)
  return number === undefined ? wait < longestWait : number * unit === wait
}

function nonNegative(value: string | undefined): number | undefined {
  return value !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : undefined
}
