import type { Clock } from '@spillway/middleware'
import type { JWTPayload, JWTVerifyGetKey, JWTVerifyOptions } from 'jose'
import type { Claims } from './claims.ts'
import { IdentityProviderError } from './discovery.ts'

/** Why a token is not taken. */
export interface TokenProblem {
  /** For its holder; of the token it repeats only what is no secret. */
  readonly message: string
  /** 401, or 503 where it cannot be told now. */
  readonly status: 401 | 403 | 503
  /** Short, for counters and programs. */
  readonly reason: 'expired' | 'invalid' | 'signed_out' | 'not_allowed' | 'unavailable'
}

export interface TokenExpectations {
  readonly issuer: string
  readonly audiences: readonly string[]
  readonly findKey: JWTVerifyGetKey
  readonly clock: Clock
}

/** Signatures that only the identity provider can make: with HS256 a public key would do for a secret. */
const algorithms: string[] = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]

/** What tokens for access call themselves. Others of the same issuer and audience mean something else, such as a logout. */
const types: ReadonlySet<string> = new Set(['jwt', 'at+jwt', 'application/at+jwt', 'application/jwt'])

/** How far clocks may differ, in seconds. */
const leeway = 30

/** Below what the headers of a request may have together. */
const mostCharacters = 12_288

/** Keys that are tried for a token that does not say which one it was signed with. */
const mostTried = 10

/**
 * Verifies a token of the identity provider (RFC 7519, with what RFC 8725 asks for). Keys are found by their id among those of the
 * issuer alone: `jku`, `x5u` and `jwk` of a token are not looked at.
 */
export async function verifyToken(
  token: string,
  { issuer, audiences, findKey, clock }: TokenExpectations,
): Promise<{ readonly claims: Claims } | TokenProblem> {
  if (token.length > mostCharacters) return invalid(`this token has more than ${mostCharacters} characters`)
  const { decodeProtectedHeader, decodeJwt, errors } = await import('jose')
  // What costs nothing comes first: signatures of tokens that are not taken anyway are not verified.
  let claims: JWTPayload
  try {
    const { alg = '', typ } = decodeProtectedHeader(token)
    if (!algorithms.includes(alg))
      return invalid(`this token is signed with ${quoted(alg)}, and only asymmetric signatures are taken`)
    if (typ !== undefined && !types.has(String(typ).toLowerCase()))
      return invalid(`this token is a ${quoted(typ)} and not for access`)
    claims = decodeJwt(token)
  } catch {
    return invalid('this is not a JWT: it cannot be decoded')
  }
  const { iss, aud, exp } = claims
  if (iss !== issuer)
    return invalid(`this token is of ${quoted(iss)}, and not of ${issuer}${hintFor(iss, issuer)}`)
  const madeFor = [aud ?? []].flat()
  if (!madeFor.some((each) => audiences.includes(each)))
    return invalid(
      `this token is made for ${quoted(madeFor.slice(0, 5).join(', '))} (aud), and not for ${audiences.join(' or ')}`,
    )
  if (claims.cnf !== undefined)
    return invalid(
      'this token is bound to a key (cnf), whose proof is not verified here: present a bearer token',
    )
  if (claims.events !== undefined) return invalid('this token tells of an event, and is not for access')
  const now = clock.epoch()
  if (typeof exp === 'number' && exp * 1000 + leeway * 1000 <= now) return expired
  const options: JWTVerifyOptions = {
    ...{ algorithms, issuer, audience: [...audiences], clockTolerance: leeway },
    ...{ requiredClaims: ['exp'], currentDate: new Date(now) },
  }
  try {
    return { claims: await verified(token, findKey, options) }
  } catch (error) {
    if (error instanceof IdentityProviderError)
      return {
        message: 'tokens cannot be verified now: the identity provider does not answer; try again later',
        ...{ status: 503, reason: 'unavailable' },
      }
    if (error instanceof errors.JWTExpired) return expired
    if (error instanceof errors.JWTClaimValidationFailed)
      return invalid(
        error.claim === 'nbf'
          ? 'this token is not valid yet: is a clock wrong?'
          : `the claim ${quoted(error.claim)} of this token is missing or wrong`,
      )
    if (error instanceof errors.JWKSNoMatchingKey)
      return invalid('this token is signed with a key that the identity provider does not publish')
    return invalid('the signature of this token is wrong')
  }
}

async function verified(token: string, findKey: JWTVerifyGetKey, options: JWTVerifyOptions): Promise<Claims> {
  const { jwtVerify, errors } = await import('jose')
  try {
    return (await jwtVerify(token, findKey, options)).payload
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    let tried = 0
    for await (const key of error) {
      if (++tried > mostTried) break
      try {
        return (await jwtVerify(token, key, options)).payload
      } catch (failed) {
        if (!(failed instanceof errors.JWSSignatureVerificationFailed)) throw failed
      }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}

export const invalid = (message: string): TokenProblem => ({ message, status: 401, reason: 'invalid' })

export const expired: TokenProblem = { message: 'this token has expired', status: 401, reason: 'expired' }

/** What callers have sent, in a message for them. */
const quoted = (text: unknown): string => {
  const shown = String(text ?? 'nobody').replace(/[^\x20-\x7e]/g, '?')
  return shown.length > 120 ? `${shown.slice(0, 120)}…` : shown || 'nothing'
}

/** Entra ID makes tokens of its first version for an API that does not ask for the second. */
function hintFor(iss: unknown, issuer: string): string {
  if (typeof iss !== 'string') return ''
  if (iss.startsWith('https://sts.windows.net/') && issuer.includes('login.microsoftonline.com'))
    return ': set requestedAccessTokenVersion to 2 in the manifest of the application'
  return ''
}
