import type { IncomingMessage } from 'node:http'
import { parseAuthority } from '../access/authority.ts'
import { cameByHttps } from '../server/gateway-request.ts'

type Asking = Pick<IncomingMessage, 'headers' | 'socket'>

/** More than that are not looked through: browsers send far fewer. */
const longest = 16_384
const mostIds = 8

/**
 * Cookies are shared by all ports of a host, so each gateway has a name for the port that it is asked at. The prefix makes browsers refuse
 * one that a neighbouring domain has set, or that came without TLS.
 */
function nameFor({ headers }: Asking, isSecure: boolean): string {
  const port = parseAuthority(headers.host ?? '')?.port
  return `${isSecure ? '__Host-' : ''}spillway-session${port === undefined ? '' : `-${port}`}`
}

/** Whether the browser uses TLS. It says so itself with every POST; else the connection does, or a trusted proxy. */
export function isOverTls(req: Asking): boolean {
  const { origin } = req.headers
  if (origin !== undefined && /^https?:/.test(origin)) return origin.startsWith('https:')
  return cameByHttps(req)
}

/**
 * The ids of sessions that a request presents: those of the cookie that only TLS can set, else of the other one. Several where another path or
 * a neighbour has set one of the same name.
 */
export function presentedIds(req: Asking): readonly string[] {
  const { cookie = '' } = req.headers
  if (cookie === '' || cookie.length > longest) return []
  const pairs = cookie.split(';').map((pair) => pair.trim())
  const of = (name: string): string[] =>
    pairs.filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1))
  const secure = of(nameFor(req, true))
  return (secure.length > 0 ? secure : of(nameFor(req, false))).slice(0, mostIds)
}

/** Sets the cookie; an empty id removes it. Not readable by scripts, and never sent for a page of another site. */
export function setCookie(req: Asking, id: string): string {
  const isSecure = isOverTls(req)
  const ends = id === '' ? '; Max-Age=0' : ''
  return `${nameFor(req, isSecure)}=${id}; Path=/; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}${ends}`
}
