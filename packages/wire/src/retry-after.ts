import type { ResponseHeaders } from '@spillway/middleware'

/** A header's value; the first one where it came more than once. */
export function header(headers: ResponseHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : value?.[0]
}

/** The three forms of RFC 9110, section 5.6.7; the last one names no zone and means UTC. */
const httpDate =
  /^(?:[a-z]{3}, \d\d? [a-z]{3} \d{4} [\d:]{8} (?:GMT|UTC)|[a-z]{6,9}, \d\d-[a-z]{3}-\d\d [\d:]{8} GMT|[a-z]{3} [a-z]{3} [ \d]\d [\d:]{8} \d{4})$/i

/**
 * How long the server asks to wait, in milliseconds: `retry-after-ms` first, else `retry-after` as seconds or as
 * an HTTP date (RFC 9110, section 10.2.3). Undefined when neither makes sense; 0 for a date that has passed.
 * @param epoch milliseconds since the Unix epoch, now
 */
export function retryAfterMs(headers: ResponseHeaders, epoch: number): number | undefined {
  const milliseconds = nonNegative(header(headers, 'retry-after-ms'))
  if (milliseconds !== undefined) return milliseconds
  const value = header(headers, 'retry-after')?.trim()
  const seconds = nonNegative(value)
  if (seconds !== undefined) return seconds * 1000
  if (value === undefined || !httpDate.test(value)) return undefined
  const date = Date.parse(/\d$/.test(value) ? `${value} GMT` : value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - epoch)
}

function nonNegative(value: string | undefined): number | undefined {
  if (value === undefined || !/^\s*\d+(\.\d+)?\s*$/.test(value)) return undefined
  const number = Number(value)
  return number <= Number.MAX_SAFE_INTEGER ? number : undefined
}
