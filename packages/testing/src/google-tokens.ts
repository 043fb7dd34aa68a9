import {
  type CredentialServer,
  type CredentialServerOptions,
  formOf,
  type Issuer,
  isGood,
  startCredentialServer,
  textAnswer,
} from './credential-server.ts'
import { type ServiceAccountKey, serviceAccountKey, wrongAssertion } from './google-jwt.ts'
import type { SecretAnswer, SecretRequest } from './secret-server.ts'

/** Options of {@link startGoogleTokens}. */
export interface GoogleTokensOptions extends CredentialServerOptions {
  /** @default `project` */
  readonly project?: string
  /** The tokens that are taken as identities of workloads. @default any */
  readonly subjectTokens?: readonly string[]
  /** The refresh tokens of users that are taken. @default any */
  readonly refreshTokens?: readonly string[]
}

/** The ways to access tokens of Google. */
export type GoogleWay = 'metadata' | 'serviceAccount' | 'user' | 'workload' | 'impersonated'

/** A simulated source of access tokens of Google. */
export interface GoogleTokenServer extends CredentialServer<GoogleWay> {
  /** Whether a token was given out and is still good: for `tokens` of the simulated venues. */
  readonly isValid: (token: string) => boolean
  /** The environment that leads Google's library to the metadata server. */
  readonly environment: Readonly<Record<string, string>>
  /** The key of a service account, as the file that `GOOGLE_APPLICATION_CREDENTIALS` names holds it. */
  readonly serviceAccount: ServiceAccountKey
  /**
   * The configuration of a workload identity, as such a file holds it.
   * @param file where the token of the workload is
   */
  workloadIdentity(file: string, impersonate?: boolean): object
}

/** The metadata server gives out the same token until so long before it expires, in milliseconds. */
const ahead = 4 * 60_000
const flavor = { 'metadata-flavor': 'Google', server: 'Metadata Server for VM' }
const metadata = '/computeMetadata/v1'

/**
 * Starts a server that gives out access tokens of Google: as the metadata server, and as the token endpoints for the keys of
 * service accounts (whose assertions are checked), for sign-ins of users, for identities of workloads and for impersonation.
 */
export async function startGoogleTokens(options: GoogleTokensOptions = {}): Promise<GoogleTokenServer> {
  let keyOf = (): ServiceAccountKey => undefined as never
  const { server, issuer } = await startCredentialServer<string, GoogleWay>(
    options,
    ['metadata', 'serviceAccount', 'user', 'workload', 'impersonated'],
    (count) => `ya29.simulated-${count}`,
    (given, asked) => (request) => {
      const [path = ''] = request.path.split('?')
      if (path.startsWith(metadata)) return metadataAnswer(request, path, given, asked, options)
      if (request.method !== 'POST') return { status: 404, json: {} }
      if (path === '/token') return tokenAnswer(request, given, asked, keyOf(), options)
      if (path === '/v1/token') return exchangeAnswer(request, given, asked, options)
      if (path.endsWith(':generateAccessToken')) return impersonatedAnswer(request, given, asked)
      return { status: 404, json: {} }
    },
  )
  const { url } = server
  const key = serviceAccountKey(`${url}/token`, options.project ?? 'project')
  keyOf = () => key
  return {
    ...server,
    isValid: (token) => isGood(issuer, token),
    environment: { GCE_METADATA_HOST: url.replace('http://', '') },
    serviceAccount: key,
    workloadIdentity: (file, impersonate = false) => ({
      type: 'external_account',
      audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/oidc',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${url}/v1/token`,
      credential_source: { file, format: { type: 'text' } },
      ...(impersonate && {
        service_account_impersonation_url: `${url}/v1/projects/-/serviceAccounts/${key.client_email}:generateAccessToken`,
      }),
    }),
  }
}

type Asked = (way: GoogleWay) => void

function metadataAnswer(
  { headers }: SecretRequest,
  path: string,
  given: Issuer<string>,
  asked: Asked,
  { project = 'project' }: GoogleTokensOptions,
): SecretAnswer {
  const text = (body: string, status = 200): SecretAnswer => textAnswer(body, flavor, status)
  if (headers['metadata-flavor'] !== 'Google' || headers['x-forwarded-for'] !== undefined)
    return text('Missing required header "Metadata-Flavor": "Google"', 403)
  switch (path.slice(metadata.length).replace(/\/$/, '')) {
    case '':
    case '/instance':
      return text('attributes/\nservice-accounts/\n')
    case '/project/project-id':
      return text(project)
    case '/universe/universe-domain':
    case '/universe/universe_domain':
      return text('googleapis.com')
    case '/instance/service-accounts/default/email':
      return text(`spillway@${project}.iam.gserviceaccount.com`)
    case '/instance/service-accounts/default/token':
      asked('metadata')
      return { status: 200, json: tokenBody(given, given.held('metadata', ahead)), headers: flavor }
  }
  return text('Not Found', 404)
}

function tokenBody(
  { now }: Issuer<string>,
  one: { readonly value: string; readonly expiresAt: number },
): object {
  const expires_in = Math.floor((one.expiresAt - now()) / 1000)
  return { access_token: one.value, expires_in, token_type: 'Bearer' }
}

function tokenAnswer(
  request: SecretRequest,
  given: Issuer<string>,
  asked: Asked,
  key: ServiceAccountKey,
  { refreshTokens }: GoogleTokensOptions,
): SecretAnswer {
  const { grant_type, assertion = '', refresh_token = '' } = formOf(request)
  if (grant_type === 'refresh_token') {
    asked('user')
    if (refresh_token === '' || refreshTokens?.includes(refresh_token) === false)
      return refusal('invalid_grant', 'Token has been expired or revoked.')
    return { status: 200, json: tokenBody(given, given.issue()) }
  }
  if (grant_type !== 'urn:ietf:params:oauth:grant-type:jwt-bearer')
    return refusal('unsupported_grant_type', `Invalid grant_type: ${grant_type}`)
  asked('serviceAccount')
  const wrong = wrongAssertion(assertion, key, given.now())
  return wrong === undefined
    ? { status: 200, json: tokenBody(given, given.issue()) }
    : refusal('invalid_grant', wrong)
}

function exchangeAnswer(
  request: SecretRequest,
  given: Issuer<string>,
  asked: Asked,
  { subjectTokens }: GoogleTokensOptions,
): SecretAnswer {
  const { grant_type, audience, subject_token = '' } = formOf(request)
  if (grant_type !== 'urn:ietf:params:oauth:grant-type:token-exchange' || audience === undefined)
    return refusal('invalid_request', 'Invalid value for "grant_type" or "audience".')
  asked('workload')
  if (subject_token === '' || subjectTokens?.includes(subject_token) === false)
    return refusal('invalid_grant', 'Unable to verify the ID Token signature.')
  const issued_token_type = 'urn:ietf:params:oauth:token-type:access_token'
  return { status: 200, json: { ...tokenBody(given, given.issue()), issued_token_type } }
}

function impersonatedAnswer({ headers }: SecretRequest, given: Issuer<string>, asked: Asked): SecretAnswer {
  asked('impersonated')
  if (!isGood(given, (headers.authorization ?? '').replace(/^Bearer /, ''))) {
    const message = 'Request had invalid authentication credentials.'
    return { status: 401, json: { error: { code: 401, message, status: 'UNAUTHENTICATED' } } }
  }
  const { value, expiresAt } = given.issue()
  const expireTime = new Date(expiresAt).toISOString()
  return { status: 200, json: { accessToken: value, expireTime } }
}

function refusal(error: string, error_description: string): SecretAnswer {
  return { status: 400, json: { error, error_description } }
}
