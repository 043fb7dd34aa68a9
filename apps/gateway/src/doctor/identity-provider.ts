import { proxiedFetch } from '@spillway/core-client'
import { systemClock } from '@spillway/middleware'
import { proxyOf } from '../config/network-problems.ts'
import type { OidcConfig } from '../config/oidc-config.ts'
import { boundedFetch } from '../identity/bounded-fetch.ts'
import { discover } from '../identity/discovery.ts'
import { openKeySet } from '../identity/key-set.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

const subject = 'identity provider'

/** Whether the identity provider is found, publishes keys, and can do what signing in needs. */
export async function examineIdentityProvider(oidc: OidcConfig): Promise<Finding[]> {
  const { issuer, clientId, audience, publicUrl, scopes } = oidc
  const proxy = proxyOf(oidc.proxy)
  const fetch = boundedFetch(proxiedFetch(proxy === undefined ? {} : { proxy }))
  const application = {
    issuer,
    clientId: clientId ?? [audience ?? ''].flat()[0] ?? '',
    clientSecret: undefined,
  }
  try {
    const metadata = (await discover(application, fetch)).serverMetadata()
    const keys = await openKeySet({ url: async () => metadata.jwks_uri as string, fetch, clock: systemClock })
    const unread = await keys.refresh()
    if (unread !== undefined)
      return [
        problem(subject, unread, 'tokens cannot be verified without its keys: see why it does not answer'),
      ]
    const found = [ok(subject, `${issuer} answers, and publishes keys`)]
    if (clientId === undefined) return found
    const missing = ['authorization_endpoint', 'token_endpoint'].filter(
      (name) => metadata[name] === undefined,
    )
    if (missing.length > 0)
      found.push(
        problem(
          subject,
          `its discovery document has no ${missing.join(', ')}`,
          'people cannot sign in there: leave clientId out',
        ),
      )
    const offered = metadata.scopes_supported
    if (
      scopes === undefined &&
      offered !== undefined &&
      !offered.includes('offline_access') &&
      issuer !== 'https://accounts.google.com'
    )
      found.push(
        warning(
          subject,
          'it offers no scope offline_access, so people sign in again every 12 hours',
          'allow refresh tokens for the application, and set server.oidc.scopes where its scope has another name',
        ),
      )
    const redirect = `${(publicUrl ?? 'http://HOST:PORT').replace(/\/$/, '')}/login/oidc/callback`
    found.push(ok(subject, `the application ${clientId} needs the redirect URI ${redirect}`))
    return found
  } catch (error) {
    return [
      problem(subject, (error as Error).message, 'mend server.oidc.issuer, or see why it does not answer'),
    ]
  }
}
