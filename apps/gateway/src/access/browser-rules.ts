import type { IncomingMessage } from 'node:http'
import { cameByHttps } from '../server/gateway-request.ts'
import { signInPaths } from '../sign-in/sign-in-paths.ts'
import type { Authority } from './authority.ts'
import { isOwnOrigin } from './origins.ts'
import { shown } from './shown.ts'

/**
 * Why a request is refused that a browser has sent for a page of another origin; undefined for requests of the gateway's
 * own pages and of programs. No page can change these headers: browsers send `origin` with everything but a plain GET, and
 * `sec-fetch-site` with everything that goes to this machine or over TLS.
 * @param asked the host that the request names
 */
export function browserProblem(
  req: IncomingMessage,
  path: string,
  asked: Authority | undefined,
): string | undefined {
  const { origin, 'sec-fetch-site': site } = req.headers
  const isFromHere = site === undefined || site === 'same-origin' || site === 'none'
  if (origin === undefined) return isFromHere || isVisit(req, path) ? undefined : withoutOrigin
  if (
    isFromHere &&
    asked !== undefined &&
    isOwnOrigin(origin, asked, site as string | undefined, cameByHttps(req))
  )
    return undefined
  if (origin === 'null') return opaque
  return `web pages of the origin ${shown(origin)} may not use this gateway; if they should, add it to server.allowedOrigins`
}

const withoutOrigin =
  'a web page of another origin has made this request; if it should use this gateway, add its origin to server.allowedOrigins and let it send requests with CORS'

const opaque =
  'web pages without an origin (sandboxed ones, local files) may not use this gateway; serve the page from an origin and add that to server.allowedOrigins'

/** Where links lead, and where the identity provider sends browsers back to. */
const visited: ReadonlySet<string> = new Set([
  '/',
  signInPaths.device,
  signInPaths.login,
  signInPaths.callback,
])

/** A link was followed: the page that has the link cannot read what opens. */
function isVisit({ method, headers }: IncomingMessage, path: string): boolean {
  return (
    method === 'GET' &&
    visited.has(path.split('?', 1)[0] ?? '') &&
    headers['sec-fetch-mode'] === 'navigate' &&
    headers['sec-fetch-dest'] === 'document'
  )
}
