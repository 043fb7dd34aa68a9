import type { Fetch } from '@spillway/attempt'
import { proxiedFetch } from '@spillway/core-client'
import type { Vault } from '@spillway/key-vault'
import type { Clock } from '@spillway/middleware'
import { sessionName } from '../clients/client-changes.ts'
import type { ClientDirectory } from '../clients/client-directory.ts'
import { proxyOf } from '../config/network-problems.ts'
import type { OidcConfig } from '../config/oidc-config.ts'
import { boundedFetch } from './bounded-fetch.ts'
import { type ClaimProblem, type Claims, subjectOf } from './claims.ts'
import { configuredSecret } from './configured-secret.ts'
import { type Grants, grantsOf, type SignedIn } from './grants.ts'
import { type IdentityProvider, openIdentityProvider } from './identity-provider.ts'
import { type TokenDirectory, tokenDirectory, type Verified } from './token-directory.ts'
import { type TokenProblem, verifyToken } from './verify-token.ts'

/** What a gateway knows of the identities that its identity provider vouches for. */
export interface Identity {
  readonly tokens: TokenDirectory
  readonly provider: IdentityProvider
  /** What a subject may do. */
  readonly grants: Grants
  readonly isSignedOut: (name: string, issuedAt: number, session?: string) => boolean
  /** Takes session tokens of this gateway too, from now on. */
  takeSessions(verify: VerifySession): void
  /** For `/readyz`. */
  state(): Readonly<Record<string, string>>
  close(): void
}

/** Verifies session tokens of this gateway; undefined for other tokens. */
type VerifySession = (token: string) => Promise<Verified | TokenProblem> | undefined

export interface IdentitySources {
  readonly vault: Pick<Vault, 'get'> | undefined
  readonly clock: Clock
  readonly log: (line: string) => void
  /** @default over the network, through `proxy` where it is set */
  readonly fetch?: Fetch | undefined
  /** What is known of teams, and of who was signed out. */
  readonly clients: Pick<ClientDirectory, 'besides'>
}

/** In the command's own files; whoever uses the library with an identity provider installs them. */
const libraries = ['jose', 'openid-client']

/**
 * Opens `server.oidc`.
 * @throws Error where its secret cannot be had, or where the packages for it are not installed
 */
export async function openIdentity(oidc: OidcConfig, sources: IdentitySources): Promise<Identity> {
  const { vault, clock, log } = sources
  const { issuer, audience, clientId } = oidc
  await Promise.all([import('jose'), import('openid-client')]).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new Error(`server.oidc needs two packages here: npm install ${libraries.join(' ')}`)
  })
  const proxy = proxyOf(oidc.proxy)
  const fetch = boundedFetch(sources.fetch ?? proxiedFetch(proxy === undefined ? {} : { proxy }))
  const audiences = [audience ?? clientId ?? []].flat()
  const clientSecret = oidc.clientSecret && (await configuredSecret(oidc.clientSecret, vault))
  const application = { issuer, clientId: clientId ?? (audiences[0] as string), clientSecret }
  const provider = await openIdentityProvider({ application, fetch, clock, log })
  let { besides } = sources.clients
  let grants = grantsOf(oidc, besides)
  let changes = 0
  // Limits of teams are part of clients, so that these are made again when the limits change.
  const follow = (): number => {
    if (besides !== sources.clients.besides) {
      besides = sources.clients.besides
      grants = grantsOf(oidc, besides)
      changes++
    }
    return changes
  }
  const allowed: Grants = (subject) => {
    follow()
    return grants(subject)
  }
  const admit = (claims: Claims): SignedIn | ClaimProblem => {
    const subject = subjectOf(claims, oidc)
    return 'problem' in subject ? subject : allowed(subject)
  }
  let verifySession: VerifySession = () => undefined
  const verify = async (token: string): Promise<Verified | TokenProblem> => {
    const session = verifySession(token)
    if (session !== undefined) return session
    const verified = await verifyToken(token, { issuer, audiences, findKey: provider.keys.find, clock })
    if (!('claims' in verified)) return verified
    const admitted = admit(verified.claims)
    if ('problem' in admitted) return { message: admitted.problem, status: 403, reason: 'not_allowed' }
    const { exp, iat } = verified.claims as { readonly exp: number; readonly iat?: number }
    return { ...admitted, until: exp * 1000, issuedAt: (iat ?? 0) * 1000 }
  }
  const isSignedOut = (name: string, issuedAt: number, session?: string): boolean => {
    const { besides: current } = sources.clients
    return (
      issuedAt <= signedOutAt(current, name) ||
      (session !== undefined && issuedAt <= signedOutAt(current, sessionName(session)))
    )
  }
  const tokens = tokenDirectory({
    ...{ verify, clock },
    isSignedOut,
    version: () => provider.keys.version + follow(),
  })
  return {
    ...{ tokens, provider, grants: allowed, isSignedOut },
    takeSessions(verifies) {
      verifySession = verifies
    },
    state: (): Readonly<Record<string, string>> =>
      provider.problem === undefined ? {} : { identityProvider: 'away' },
    close: () => provider.close(),
  }
}

function signedOutAt({ signedOut = {} }: ClientDirectory['besides'], name: string): number {
  return Object.hasOwn(signedOut, name) ? (signedOut[name] ?? -Infinity) : -Infinity
}
