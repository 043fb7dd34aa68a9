import { hash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/**
 * Who calls, as far as the key that was presented tells: a fingerprint of it, which is safe to log and to keep, or
 * undefined for a caller without one.
 */
export function tenantOf(headers: IncomingHttpHeaders): string | undefined {
  const { authorization, 'x-api-key': apiKey } = headers
  const key = typeof apiKey === 'string' && apiKey !== '' ? apiKey : authorization?.replace(/^bearer\s+/i, '')
  if (key === undefined || key === '') return undefined
  return `key-${hash('sha256', key).slice(0, 12)}`
}
