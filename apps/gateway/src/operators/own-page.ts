import type { IncomingMessage } from 'node:http'
import { parseAuthority } from '../access/authority.ts'
import { isOwnOrigin } from '../access/origins.ts'
import { cameByHttps } from '../server/gateway-request.ts'

/**
 * Whether no browser says that a page of another origin has sent a request. Pages of `server.allowedOrigins` are refused here too: they present
 * keys, and never the cookie of their user. `sec-fetch-site` tells more where proxies have changed the host, and is not sent without TLS.
 */
export function isOfOwnPage(req: Pick<IncomingMessage, 'headers' | 'socket'>): boolean {
  const { origin, host = '', 'sec-fetch-site': site } = req.headers
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  const asked = parseAuthority(host)
  return (
    origin === undefined || (asked !== undefined && isOwnOrigin(origin, asked, undefined, cameByHttps(req)))
  )
}
