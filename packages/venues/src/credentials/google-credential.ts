import { CredentialError, refreshingToken, type TokenSource } from '@spillway/core-client'
import { loadPeer } from './load-peer.ts'

export interface GoogleCredentialOptions {
  /** @default ['https://www.googleapis.com/auth/cloud-platform'] */
  readonly scopes?: readonly string[] | undefined
}

const cloudPlatform = 'https://www.googleapis.com/auth/cloud-platform'

/** Google's metadata server hands out the same token until so long before it expires; in milliseconds. */
const refreshAhead = 4 * 60_000

/**
 * Access tokens of Google's application default credentials, by `google-auth-library`: a service account's key, a workload
 * identity, impersonation, a user's sign-in, the metadata server. Refreshed ahead of their expiry, one request at a time.
 */
export function googleCredential({ scopes = [cloudPlatform] }: GoogleCredentialOptions = {}): TokenSource {
  return refreshingToken({
    refreshAhead,
    async refresh() {
      const { GoogleAuth } = await loadPeer('google-auth-library', () => import('google-auth-library'))
      try {
        // Read again each time: files and their keys are replaced. A token needs no project, whose search takes seconds.
        const client = await new GoogleAuth({ scopes: [...scopes], projectId: 'none' }).getClient()
        const { token } = await client.getAccessToken()
        if (!token) throw new CredentialError('Google gives no access token for this identity')
        return { value: token, expiresAt: client.credentials.expiry_date ?? undefined }
      } catch (error) {
        if (error instanceof CredentialError) throw error
        throw new CredentialError(`no Google credentials: ${reasonOf(error)}`, { cause: error })
      }
    },
  })
}

/** What to do. The library's own words stay out of it, but for the code of OAuth: they may quote a file or an answer. */
function reasonOf(error: unknown): string {
  const {
    message = '',
    response,
    code,
  } = (error ?? {}) as {
    readonly message?: string
    readonly code?: unknown
    readonly response?: { readonly status?: number; readonly data?: { readonly error?: unknown } }
  }
  if (message.includes('Could not load the default credentials')) {
    return 'neither GOOGLE_APPLICATION_CREDENTIALS, nor the sign-in of gcloud, nor a metadata server has any; run gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS to a file of credentials'
  }
  const oauth = response?.data?.error
  if (typeof oauth === 'string' && /^[a-z_]{1,40}$/.test(oauth)) {
    return `Google refuses them (${oauth}): sign in again (gcloud auth application-default login), or replace the key of the service account`
  }
  if (response?.status !== undefined) {
    return `Google refuses them (status ${response.status}): check the identity, and its right to the scopes or to impersonate`
  }
  if (code === 'ENOENT' || message.includes('does not exist')) {
    return 'the file that GOOGLE_APPLICATION_CREDENTIALS names is not there, or cannot be read'
  }
  if (error instanceof SyntaxError || message.includes('not valid JSON')) {
    return 'the file that GOOGLE_APPLICATION_CREDENTIALS names holds no credentials'
  }
  return `they could not be obtained (${typeof code === 'string' ? code : error instanceof Error ? error.name : 'unknown error'})`
}
