import type { IncomingHttpHeaders } from 'node:http'

/** The key that a caller presents, in whichever header; undefined where there is none. */
export function presentedKey({
  authorization,
  'x-api-key': apiKey,
}: IncomingHttpHeaders): string | undefined {
  const key = typeof apiKey === 'string' && apiKey !== '' ? apiKey : authorization?.replace(/^bearer\s+/i, '')
  return key === '' ? undefined : key
}

/**
 * Who calls, as far as the key that was presented tells: a fingerprint of it, which is safe to log and to keep, or
 * undefined for a caller without one.
 */
export function tenantOf(
  headers: IncomingHttpHeaders,
  fingerprint: (key: string) => string,
): string | undefined {
  const key = presentedKey(headers)
  return key === undefined ? undefined : `key-${fingerprint(key)}`
}
