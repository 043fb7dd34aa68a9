import type { TokenEndpointResponse, TokenEndpointResponseHelpers } from 'openid-client'
import type { OidcConfig } from '../config/oidc-config.ts'
import { type Claims, claimAt } from '../identity/claims.ts'
import { codeOf, IdentityProviderError } from '../identity/discovery.ts'
import type { IdentityProvider } from '../identity/identity-provider.ts'

/** A login that has begun at the identity provider; kept by the browser, sealed. */
export interface BegunLogin {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
}

/** What the identity provider says of a person. */
export interface Person {
  readonly claims: Claims
  readonly refreshToken: string | undefined
}

/** The identity provider does not let a person in, or not any more. */
export class LoginRefused extends Error {
  override readonly name: string = 'LoginRefused'
}

/** Logs people in at the identity provider: authorization code with PKCE, state and nonce. */
export interface ProviderLogin {
  /** @throws IdentityProviderError while it is unavailable */
  begin(redirectUri: string): Promise<{ readonly url: string; readonly begun: BegunLogin }>
  /**
   * @param came the URL that the browser came back to
   * @throws LoginRefused, IdentityProviderError
   */
  finish(came: URL, begun: BegunLogin): Promise<Person>
  /** Asks whether a person may still sign in. @throws LoginRefused, IdentityProviderError */
  renew(refreshToken: string, sub: string): Promise<Partial<Person>>
}

const usualScopes = ['openid', 'email', 'profile', 'offline_access']

type Answered = TokenEndpointResponse & TokenEndpointResponseHelpers

export function providerLogin(provider: IdentityProvider, config: OidcConfig): ProviderLogin {
  const groupClaims = [config.claims?.groups ?? 'groups'].flat()

  /** Groups are often told at the userinfo endpoint alone. */
  const withUserInfo = async (tokens: Answered, claims: Claims): Promise<Claims> => {
    const oidc = await import('openid-client')
    const configuration = await provider.configuration()
    const isComplete = groupClaims.some((claim) => claimAt(claims, claim) !== undefined)
    if (isComplete || configuration.serverMetadata().userinfo_endpoint === undefined) return claims
    const more = await oidc.fetchUserInfo(configuration, tokens.access_token, String(claims.sub))
    return { ...more, ...claims }
  }
  return {
    async begin(redirectUri) {
      const oidc = await import('openid-client')
      const configuration = await provider.configuration()
      const begun = {
        state: oidc.randomState(),
        nonce: oidc.randomNonce(),
        verifier: oidc.randomPKCECodeVerifier(),
      }
      const supported = configuration.serverMetadata().scopes_supported
      const scopes =
        config.scopes ??
        usualScopes.filter((scope) => supported?.includes(scope) ?? scope !== 'offline_access')
      const url = oidc.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope: scopes.join(' '),
        state: begun.state,
        nonce: begun.nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(begun.verifier),
        code_challenge_method: 'S256',
        ...(scopes.includes('offline_access') && asksForConsent(config.issuer) && { prompt: 'consent' }),
        // Google has no such scope, and gives a refresh token by this.
        ...(config.issuer === 'https://accounts.google.com' && { access_type: 'offline', prompt: 'consent' }),
      })
      return { url: url.href, begun }
    },
    async finish(came, { state, nonce, verifier }) {
      const oidc = await import('openid-client')
      const configuration = await provider.configuration()
      try {
        const tokens = await oidc.authorizationCodeGrant(configuration, came, {
          ...{ expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier },
          idTokenExpected: true,
        })
        const claims = await withUserInfo(tokens, tokens.claims() as Claims)
        return { claims, refreshToken: tokens.refresh_token }
      } catch (error) {
        throw asLoginError(error)
      }
    },
    async renew(refreshToken, sub) {
      const oidc = await import('openid-client')
      const configuration = await provider.configuration()
      try {
        const tokens = await oidc.refreshTokenGrant(configuration, refreshToken)
        const refreshed = tokens.refresh_token ?? refreshToken
        const told = tokens.claims() as Claims | undefined
        if (told !== undefined && told.sub !== sub)
          throw new LoginRefused('the identity provider names another person')
        const claims = await withUserInfo(tokens, told ?? { sub })
        // An answer that tells nothing new says that the person may still sign in.
        return { refreshToken: refreshed, ...(Object.keys(claims).length > 1 && { claims }) }
      } catch (error) {
        throw asLoginError(error)
      }
    },
  }
}

/** By the standard a refresh token needs the person's consent; these give one without, and would ask at each sign-in. */
const asksForConsent = (issuer: string): boolean =>
  !/^https:\/\/(?:login\.microsoftonline\.|[\w.-]+\.okta(?:preview)?\.com)|\/realms\//.test(issuer)

/** What the identity provider refuses is final; that it does not answer, or is not configured as it should, is not. */
function asLoginError(error: unknown): Error {
  if (error instanceof LoginRefused || error instanceof IdentityProviderError) return error
  const {
    code,
    error: said,
    status,
    cause,
  } = error as {
    readonly code?: string
    readonly error?: string
    readonly status?: number
    readonly cause?: { readonly error?: string }
  }
  const why = said ?? (typeof cause?.error === 'string' ? cause.error : undefined)
  const isOurs =
    why === 'invalid_client' || why === 'unauthorized_client' || why === 'temporarily_unavailable'
  if (why !== undefined && !isOurs && (status ?? 400) < 500)
    return new LoginRefused(`the identity provider says ${why.replace(/[^\w.-]/g, '').slice(0, 60)}`)
  if (why !== undefined) return new IdentityProviderError(`the identity provider says ${why.slice(0, 60)}`)
  if (code?.startsWith('OAUTH_JWT') || code?.includes('INVALID_RESPONSE') || code?.includes('COMPARISON'))
    return new LoginRefused(`its answer is not valid (${code})`)
  return new IdentityProviderError(
    `the identity provider does not answer as it should (${code ?? codeOf(error)})`,
  )
}
