import type { ResponseHeaders } from '@spillway/middleware'

/** A header's value; the first one where it came more than once. */
export function header(headers: ResponseHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : value?.[0]
}

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
  if (value === undefined || !/[a-z]/i.test(value)) return undefined
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - epoch)
}

function nonNegative(value: string | undefined): number | undefined {
  if (value === undefined || !/^\s*\d+(\.\d+)?\s*$/.test(value)) return undefined
  return Number(value)
}
