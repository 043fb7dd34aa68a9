import {
  deriveRequest,
  type Handler,
  type Middleware,
  type ModelRequest,
  type ModelResponse,
  named,
} from '@spillway/middleware'
import type { RequestHeaders } from '@spillway/middleware/kit'
import { readCredential, refuse } from '@spillway/wire'
import { isDivertedHeader } from '@spillway/wire/internal'
import { type AccessToken, type Credential, tokenSource } from './credential.ts'
import { sendWithCredential, tokenExchange } from './credential-exchange.ts'

/** How a credential is sent in a request. */
export type AuthScheme = 'x-api-key' | 'bearer' | 'oauth'

const credentialHeaders: readonly string[] = ['x-api-key', 'authorization']

/** Anthropic wants this in `anthropic-beta` beside an OAuth token. */
const oauthBeta = 'oauth-2025-04-20'

/**
 * Puts the credential into each request and takes out whatever the caller presented. When the upstream answers
 * 401 and the credential's source has a newer secret, the request goes out once more.
 */
export function authenticate(credential: Credential, scheme: AuthScheme): Middleware {
  const fixed = typeof credential === 'string' ? readCredential(credential) : undefined
  // A fixed secret is not obtained and has no successor: for speed, nothing of that is asked for each call.
  if (fixed !== undefined && 'value' in fixed) {
    const adding: Middleware = (next) => (request) => next(withToken(request, fixed.value, scheme))
    return named(adding, 'authentication', { options: { scheme } })
  }
  const source = tokenSource(credential)
  const authenticating: Middleware = (next) => (request) =>
    sendWithCredential<AccessToken, ModelResponse>({
      ...tokenExchange(source, request, ({ failure }) => failure?.status),
      refuse: (failure) => refuse(request, failure),
      send: (token) => send(next, request, token, scheme),
      discard: ({ body }) => body.cancel(),
    })
  return named(authenticating, 'authentication', { options: { scheme } })
}

/** One attempt with a token, which is given back when its outcome is known, or when there will be none. */
function send(
  next: Handler,
  request: ModelRequest,
  { value, release }: AccessToken,
  scheme: AuthScheme,
): Promise<ModelResponse> {
  const sent = next(withToken(request, value, scheme))
  if (release !== undefined) {
    const giveBack = (): void => release()
    sent.then(({ outcome }) => outcome.then(giveBack), giveBack)
  }
  return sent
}

function withToken(request: ModelRequest, token: string, scheme: AuthScheme): ModelRequest {
  return deriveRequest(request, { headers: authenticated(request.headers, token, scheme) })
}

/** Headers with this credential and no other. */
export function authenticated(headers: RequestHeaders, token: string, scheme: AuthScheme): RequestHeaders {
  const own = unauthenticated(headers)
  if (scheme === 'x-api-key') {
    own['x-api-key'] = token
    return own
  }
  own.authorization = `Bearer ${token}`
  if (scheme === 'bearer') return own
  const betas = own['anthropic-beta']
  own['anthropic-beta'] =
    betas === undefined ? oauthBeta : betas.includes(oauthBeta) ? betas : `${betas},${oauthBeta}`
  return own
}

/** A copy of the headers without any credential; in a loop, which is quicker than rest and spread. */
export function unauthenticated(headers: RequestHeaders): Record<string, string> {
  const others: Record<string, string> = {}
  for (const name in headers) {
    if (name !== 'x-api-key' && name !== 'authorization') others[name] = headers[name] as string
  }
  return others
}

/**
 * Leaves the credential that the caller presented to the target that it was meant for: a request that comes here as to
 * a fallback, or as to the candidate of a mirror, loses it.
 */
export function withoutDivertedCredential(): Middleware {
  const leaving: Middleware = (next) => (request) => {
    const { headers, context } = request
    const { divertedHeaders: diverted } = context
    if (diverted === undefined) return next(request)
    const names = credentialHeaders.filter((name) => isDivertedHeader(name, headers, diverted))
    if (names.length === 0) return next(request)
    const kept = Object.entries(headers).filter(([name]) => !names.includes(name))
    return next(deriveRequest(request, { headers: Object.fromEntries(kept) }))
  }
  return named(leaving, 'without a diverted credential')
}

/** Takes out any credential, for endpoints that need none and must not see the caller's. */
export function withoutCredential(): Middleware {
  const removing: Middleware = (next) => (request) => {
    const { headers } = request
    if (!('x-api-key' in headers) && !('authorization' in headers)) return next(request)
    return next(deriveRequest(request, { headers: unauthenticated(headers) }))
  }
  return named(removing, 'without a credential')
}
