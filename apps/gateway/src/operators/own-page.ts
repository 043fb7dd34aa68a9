import type { IncomingMessage } from 'node:http'
import { parseAuthority } from '../access/authority.ts'
import { isOwnOrigin } from '../access/origins.ts'

/**
 * Whether no browser says that a page of another origin has sent a request. Pages of `server.allowedOrigins` are refused here too: they present
 * keys, and never the cookie of their user. `sec-fetch-site` tells more where proxies have changed the host, and is not sent without TLS.
 */
export function isOfOwnPage({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const { origin, host = '', 'sec-fetch-site': site } = headers
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  const asked = parseAuthority(host)
  return origin === undefined || (asked !== undefined && isOwnOrigin(origin, asked, undefined))
}
