import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import type { Failure } from '@spillway/middleware'
import { callerError } from '../server/refusal.ts'
import { browserProblem } from './browser-rules.ts'
import { openCors } from './cors.ts'
import { foreignHost, HostRules, hostOf } from './host-rules.ts'
import { readTarget } from './request-target.ts'

/** Which requests a gateway serves. */
export interface AccessRules {
  /** The address or name that the gateway listens on. */
  readonly host: string
  /** Further hosts that requests may name, as `server.allowedHosts` does. */
  readonly allowedHosts?: readonly string[] | undefined
  /** Origins whose web pages may use the gateway, as `server.allowedOrigins` does. */
  readonly allowedOrigins?: readonly string[] | undefined
}

/** What was decided of a request by its head alone. */
export interface Judgement {
  /** Why it is refused; undefined where it goes on. */
  readonly refusal: Failure | undefined
  /** Headers for browsers, with every answer to this request. */
  readonly headers: OutgoingHttpHeaders
  /** A browser's question before the real request: the headers are the whole answer. */
  readonly isPreflight: boolean
  /** Path and query, also where the request names a whole URL. */
  readonly url: string
}

/**
 * Decides which requests a gateway serves. They must name one of its own hosts: a foreign name that resolves to this
 * machine (DNS rebinding) would make a foreign web page same-origin with the gateway. Those of browsers must come from the
 * gateway's own pages or from allowed origins. Programs name the host that they connect to and send no `origin`, so they
 * are not affected.
 */
export function openAccess({ host, allowedHosts = [], allowedOrigins = [] }: AccessRules): {
  judge(req: IncomingMessage): Judgement
} {
  const hosts = new HostRules(host, allowedHosts)
  const cors = openCors(allowedOrigins)
  const admitted = (url: string): Judgement => ({
    refusal: undefined,
    headers: cors.others,
    isPreflight: false,
    url,
  })
  const refused = (url: string, status: 400 | 403, message: string): Judgement => ({
    ...admitted(url),
    refusal: callerError(status === 400 ? 'invalid_request' : 'permission', message, status),
  })
  return {
    judge(req) {
      const { url: asIs = '/', headers } = req
      const target = readTarget(asIs)
      if (target === undefined)
        return refused('/', 400, 'the request target is neither a path nor an http URL')
      const { url } = target
      const asked = hostOf(req, target.authority)
      if (typeof asked === 'string') return refused(url, 400, asked)
      if (asked !== undefined && !hosts.isOwn(asked, req)) return refused(url, 403, foreignHost(asked))
      const { origin } = headers
      if (origin !== undefined && cors.isAllowed(origin)) {
        const isPreflight = req.method === 'OPTIONS' && headers['access-control-request-method'] !== undefined
        const said = isPreflight ? cors.preflightHeaders(origin, req) : cors.headersFor(origin)
        return { refusal: undefined, headers: said, isPreflight, url }
      }
      const problem = browserProblem(req, url, asked)
      return problem === undefined ? admitted(url) : refused(url, 403, problem)
    },
  }
}
