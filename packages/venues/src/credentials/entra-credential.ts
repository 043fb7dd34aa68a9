import { CredentialError, refreshingToken, type TokenSource } from '@spillway/core-client'
import { loadPeer } from './load-peer.ts'

export interface EntraCredentialOptions {
  /** @default 'https://ai.azure.com/.default' */
  readonly scope?: string | undefined
}

/** Microsoft's library hands out the same token until so long before it expires; in milliseconds. */
const refreshAhead = 5 * 60_000

/**
 * Access tokens of Microsoft Entra ID, by `@azure/identity` (`DefaultAzureCredential`): environment, workload identity, managed
 * identity, the sign-in of `az`. Refreshed ahead of their expiry, one request at a time.
 */
export function entraCredential({
  scope = 'https://ai.azure.com/.default',
}: EntraCredentialOptions = {}): TokenSource {
  return refreshingToken({
    refreshAhead,
    async refresh(abortSignal) {
      const { DefaultAzureCredential } = await loadPeer('@azure/identity', () => import('@azure/identity'))
      try {
        // A new one keeps no token that has been refused.
        const { token, expiresOnTimestamp } = await new DefaultAzureCredential().getToken(scope, {
          abortSignal,
        })
        return { value: token, expiresAt: expiresOnTimestamp }
      } catch (error) {
        throw new CredentialError(`no Entra token: ${reasonOf(error)}`, { cause: error })
      }
    },
  })
}

/** What to do. The library's own words stay out of it, but for Entra's code: they may quote an answer. */
function reasonOf(error: unknown): string {
  const { name = 'unknown error', errors = [error] } = (error ?? {}) as {
    readonly name?: string
    readonly errors?: readonly unknown[]
  }
  const code = errors
    .map((each) => /\bAADSTS\d{4,8}\b/.exec(String((each as Error | undefined)?.message))?.[0])
    .find((found) => found !== undefined)
  if (code !== undefined) {
    return `Entra refuses this identity (${code}): check the tenant, the client and its secret or certificate`
  }
  if (errors.every((each) => (each as Error | undefined)?.name === 'CredentialUnavailableError')) {
    return 'neither the environment (AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET), nor a workload or managed identity, nor a sign-in has any; run az login, or set them'
  }
  return `it could not be obtained (${name})`
}
