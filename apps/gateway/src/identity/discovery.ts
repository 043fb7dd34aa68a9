import type { Fetch } from '@spillway/attempt'
import type { Configuration, ServerMetadata } from 'openid-client'

/** Why the identity provider cannot be used now, and whether time may mend that. */
export class IdentityProviderError extends Error {
  override readonly name: string = 'IdentityProviderError'
}

/** What has to be known of an application at the identity provider. */
export interface Application {
  readonly issuer: string
  readonly clientId: string
  /** Undefined for a public client. */
  readonly clientSecret: string | undefined
}

/**
 * Reads the discovery document of an issuer.
 * @throws IdentityProviderError that says what was asked and what is wrong
 */
export async function discover(application: Application, fetch: Fetch): Promise<Configuration> {
  const { issuer, clientId, clientSecret } = application
  const metadata = await metadataOf(issuer, fetch)
  const oidc = await import('openid-client')
  const methods = metadata.token_endpoint_auth_methods_supported
  const authentication =
    clientSecret === undefined
      ? oidc.None()
      : methods?.includes('client_secret_post')
        ? oidc.ClientSecretPost(clientSecret)
        : oidc.ClientSecretBasic(clientSecret)
  const configuration = new oidc.Configuration(
    metadata,
    clientId,
    { [oidc.clockTolerance]: 30 },
    authentication,
  )
  configuration[oidc.customFetch] = fetch as never
  oidc.enableNonRepudiationChecks(configuration)
  // The schema of the configuration allows it for servers of this machine alone.
  if (issuer.startsWith('http:')) oidc.allowInsecureRequests(configuration)
  return configuration
}

async function metadataOf(issuer: string, fetch: Fetch): Promise<ServerMetadata> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const response = await fetch(url, { headers: { accept: 'application/json' } }).catch((error: unknown) => {
    throw new IdentityProviderError(`${url}: no answer (${codeOf(error)})`)
  })
  if (response.status !== 200)
    throw new IdentityProviderError(
      `${url} answers ${response.status}: is issuer the URL of the identity provider, as its documents have it?`,
    )
  const metadata = (await response.json().catch(() => undefined)) as ServerMetadata | undefined
  if (typeof metadata !== 'object' || metadata === null || typeof metadata.issuer !== 'string')
    throw new IdentityProviderError(`${url} is not a discovery document`)
  if (metadata.issuer !== issuer)
    throw new IdentityProviderError(
      `${url} is of the issuer ${metadata.issuer.slice(0, 200)}: set server.oidc.issuer to exactly that`,
    )
  if (!isSafe(metadata.jwks_uri, issuer)) throw new IdentityProviderError(`${url} names no https jwks_uri`)
  return metadata
}

/** What an issuer with TLS names must have it, too. */
const isSafe = (url: unknown, issuer: string): boolean =>
  typeof url === 'string' && (url.startsWith('https://') || issuer.startsWith('http:'))

/** The code of a failed connection, which names no host and no secret. */
export function codeOf(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code, name } = cause as NodeJS.ErrnoException
    if (typeof code === 'string' && code.startsWith('E')) return code
    if (name === 'TimeoutError') return 'ETIMEDOUT'
    if (typeof code === 'string' && cause.cause === undefined) return code
  }
  return error instanceof Error ? error.message.slice(0, 100) : 'unknown error'
}
