import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'

/** With every answer: its type is not guessed, and pages of other origins may not embed it. */
export const securityHeaders: OutgoingHttpHeaders = {
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
}

/** A list of header names of usual length; anything else is not granted. */
const headerNames = /^[\w!#$%&'*+.^`|~-]+(?:[ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+)*$/
const longestList = 4_096

/** The headers of CORS. */
export interface CorsRules {
  isAllowed(origin: string): boolean
  /** With the answer to a request of a page of an allowed origin. */
  headersFor(origin: string): OutgoingHttpHeaders
  /** With the answer to a preflight. */
  preflightHeaders(origin: string, req: IncomingMessage): OutgoingHttpHeaders
  /** With the answer to all other requests. */
  readonly others: OutgoingHttpHeaders
}

/**
 * CORS for these origins, spelled as browsers do; `scheme://*` is every page of a scheme. Cookies and the like are never
 * asked for: a page presents its key in a header.
 */
export function openCors(origins: readonly string[]): CorsRules {
  const schemes = new Set(
    origins.filter((origin) => origin.endsWith('://*')).map((origin) => origin.slice(0, -1)),
  )
  const exact = new Set(origins)
  // Caches keep answers to pages of different origins apart.
  const vary = origins.length === 0 ? {} : { vary: 'origin' }
  const headersFor = (origin: string): OutgoingHttpHeaders => ({
    ...securityHeaders,
    ...vary,
    'cross-origin-resource-policy': 'cross-origin',
    'access-control-allow-origin': origin,
    'access-control-expose-headers': '*',
  })
  return {
    isAllowed: (origin) =>
      exact.has(origin) || (schemes.size > 0 && schemes.has(origin.slice(0, origin.indexOf('://') + 3))),
    headersFor,
    preflightHeaders(origin, { headers }) {
      const wanted = headers['access-control-request-headers']
      const isList = wanted !== undefined && wanted.length <= longestList && headerNames.test(wanted)
      return {
        ...headersFor(origin),
        'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
        ...(isList && { 'access-control-allow-headers': wanted }),
        ...(headers['access-control-request-private-network'] === 'true' && {
          'access-control-allow-private-network': 'true',
        }),
        'access-control-max-age': '7200',
      }
    },
    others: { ...securityHeaders, ...vary },
  }
}
