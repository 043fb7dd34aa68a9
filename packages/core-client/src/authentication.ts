import {
  deriveRequest,
  type Failure,
  type Handler,
  type Middleware,
  type ModelRequest,
  type ModelResponse,
  named,
  type RequestHeaders,
  timeLeft,
} from '@spillway/middleware'
import { isDivertedHeader, refusalFailure, refuse } from '@spillway/wire'
import { CredentialError } from './checked-source.ts'
import { type AccessToken, type Credential, type TokenSource, tokenSource } from './credential.ts'

/** How a credential stands in a request. */
export type AuthScheme = 'x-api-key' | 'bearer' | 'oauth'

const credentialHeaders: readonly string[] = ['x-api-key', 'authorization']

/** Anthropic wants this in `anthropic-beta` beside an OAuth token. */
const oauthBeta = 'oauth-2025-04-20'

/**
 * Puts the credential into each request and takes out whatever the caller presented. When the upstream answers
 * 401 and the credential's source has a newer secret, the request goes out once more.
 */
export function authenticate(credential: Credential, scheme: AuthScheme): Middleware {
  const source = tokenSource(credential)
  const authenticating: Middleware = (next) => async (request) => {
    const first = await obtainToken(source, request)
    if (!('value' in first)) return refuse(request, first)
    const response = await send(next, request, first, scheme)
    if (response.failure?.status !== 401) return response
    source.refused(first.value)
    const second = await obtainToken(source, request)
    if (!('value' in second)) return response
    if (second.value === first.value) {
      second.release?.()
      return response
    }
    response.body.cancel()
    return send(next, request, second, scheme)
  }
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

/** How long a call waits for its credential at most, in milliseconds; its deadline may allow less. */
export const credentialTimeout = 10_000

/** Of a call, what limits the wait for its credential. */
export type CredentialCall = Pick<ModelRequest, 'clock' | 'signal'> & Partial<Pick<ModelRequest, 'deadline'>>

/**
 * The secret to send now, or why there is none: it is waited for within the call's deadline, ten seconds at most.
 * @throws the signal's reason when it aborts
 */
export function obtainToken(
  source: TokenSource,
  call: CredentialCall,
): AccessToken | Failure | Promise<AccessToken | Failure> {
  return obtain(
    () => source.token(call.clock),
    call,
    ({ release }) => release?.(),
  )
}

/**
 * What stands in a request for its caller, or why there is none.
 * @param giveBack takes what comes when nothing will send it any more
 * @throws the signal's reason when it aborts
 */
export function obtain<T>(
  get: () => T | Promise<T>,
  call: CredentialCall,
  giveBack: (late: T) => void = () => {},
): T | Failure | Promise<T | Failure> {
  const { clock, signal, deadline } = call
  try {
    const got = get()
    if (!(got instanceof Promise)) return got
    const patience = Math.min(
      credentialTimeout,
      deadline === undefined ? Infinity : timeLeft(deadline, clock),
    )
    return inTime(got, patience, call).catch((error: unknown) => {
      if (signal?.aborted || error === tooLate) got.then(giveBack).catch(() => {})
      if (signal?.aborted) throw error
      return noCredential(error === tooLate ? `not within ${Math.round(patience)} ms` : error)
    })
  } catch (error) {
    return noCredential(error)
  }
}

const tooLate = new Error('the credential did not come in time')

/** Waits for a shared promise, but no longer than the caller does; one that never settles keeps nothing of the call. */
function inTime<T>(promise: Promise<T>, ms: number, { clock, signal }: CredentialCall): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      cancel()
      signal?.removeEventListener('abort', leave)
    }
    const leave = (): void => {
      end()
      reject(signal?.reason)
    }
    const cancel = clock.setTimer(ms, () => {
      end()
      reject(tooLate)
    })
    promise.then(resolve, reject).finally(end)
    if (signal?.aborted) leave()
    else signal?.addEventListener('abort', leave)
  })
}

/** The text of an error stays out of it, unless it is meant to be seen: it may quote the secret. */
function noCredential(why: unknown): Failure {
  const reason = typeof why === 'string' ? why : why instanceof Error ? why.name : 'unknown error'
  const message =
    why instanceof CredentialError ? why.message : `the credential could not be obtained (${reason})`
  return refusalFailure({ kind: 'authentication', message })
}

function withToken(request: ModelRequest, token: string, scheme: AuthScheme): ModelRequest {
  return deriveRequest(request, { headers: authenticated(request.headers, token, scheme) })
}

/** Headers with this credential and no other. */
export function authenticated(headers: RequestHeaders, token: string, scheme: AuthScheme): RequestHeaders {
  const others = unauthenticated(headers)
  if (scheme === 'x-api-key') return { ...others, 'x-api-key': token }
  if (scheme === 'bearer') return { ...others, authorization: `Bearer ${token}` }
  const betas = others['anthropic-beta']
  return {
    ...others,
    authorization: `Bearer ${token}`,
    'anthropic-beta':
      betas === undefined ? oauthBeta : betas.includes(oauthBeta) ? betas : `${betas},${oauthBeta}`,
  }
}

/** Headers without any credential. */
export function unauthenticated(headers: RequestHeaders): RequestHeaders {
  const { 'x-api-key': _, authorization: __, ...others } = headers
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
