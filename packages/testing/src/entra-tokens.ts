import {
  type CredentialServer,
  type CredentialServerOptions,
  formOf,
  type Issuer,
  isGood,
  startCredentialServer,
} from './credential-server.ts'
import type { SecretAnswer, SecretRequest } from './secret-server.ts'

/** Options of {@link startEntraTokens}. */
export interface EntraTokensOptions extends CredentialServerOptions {
  /** The secret of each client. @default any */
  readonly clients?: Readonly<Record<string, string>>
  /** The assertions of workloads that are taken. @default any */
  readonly assertions?: readonly string[]
  /** The scopes and resources that tokens are given out for. @default any */
  readonly scopes?: readonly string[]
  /** Serves HTTPS, which Microsoft's library insists on for all but managed identities. @default HTTP */
  readonly tls?: { readonly key: string; readonly cert: string }
}

/** The ways to access tokens of Entra. */
export type EntraWay = 'clientSecret' | 'workload' | 'managedIdentity'

/** A simulated source of access tokens of Microsoft Entra ID. */
export interface EntraTokenServer extends CredentialServer<EntraWay> {
  /** Whether a token was given out and is still good: for `tokens` of the simulated venues. */
  readonly isValid: (token: string) => boolean
  /** The environment that leads Microsoft's library to the managed identity of an App Service. */
  readonly environment: Readonly<Record<string, string>>
}

const identityHeader = 'simulated-identity-header'

/**
 * Starts a server that gives out access tokens of Microsoft Entra ID: as its token endpoint (version 2.0, with the documents of
 * discovery) for the secrets of clients and the assertions of workloads, and as the endpoint of a managed identity.
 */
export async function startEntraTokens(options: EntraTokensOptions = {}): Promise<EntraTokenServer> {
  let base = ''
  const { server, issuer } = await startCredentialServer<string, EntraWay>(
    options,
    ['clientSecret', 'workload', 'managedIdentity'],
    (count) => `simulated.entra.token-${count}`,
    (given, asked) => (request) => {
      const { pathname, searchParams } = new URL(request.path, base)
      const [, tenant = ''] = /^\/([^/]+)\//.exec(pathname) ?? []
      if (pathname === '/msi/token') return managedAnswer(request, searchParams, given, asked, options)
      if (pathname.endsWith('/discovery/instance')) return { status: 200, json: instance(base) }
      if (pathname.endsWith('/.well-known/openid-configuration'))
        return { status: 200, json: configuration(`${base}/${tenant}`) }
      if (request.method === 'POST' && pathname.endsWith('/oauth2/v2.0/token'))
        return tokenAnswer(request, given, asked, options)
      return { status: 404, json: { error: 'not_found', error_description: 'No such endpoint.' } }
    },
    { tls: options.tls },
  )
  base = server.url
  return {
    ...server,
    isValid: (token) => isGood(issuer, token),
    environment: { IDENTITY_ENDPOINT: `${base}/msi/token`, IDENTITY_HEADER: identityHeader },
  }
}

function instance(base: string): object {
  const host = new URL(base).host
  return {
    tenant_discovery_endpoint: `${base}/common/v2.0/.well-known/openid-configuration`,
    'api-version': '1.1',
    metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
  }
}

function configuration(authority: string): object {
  return {
    token_endpoint: `${authority}/oauth2/v2.0/token`,
    authorization_endpoint: `${authority}/oauth2/v2.0/authorize`,
    device_authorization_endpoint: `${authority}/oauth2/v2.0/devicecode`,
    end_session_endpoint: `${authority}/oauth2/v2.0/logout`,
    jwks_uri: `${authority}/discovery/v2.0/keys`,
    issuer: `${authority}/v2.0`,
  }
}

function tokenAnswer(
  request: SecretRequest,
  given: Issuer<string>,
  asked: (way: EntraWay) => void,
  { clients, assertions, scopes }: EntraTokensOptions,
): SecretAnswer {
  const form = formOf(request)
  const { client_id = '', client_secret, client_assertion, scope = '' } = form
  if (form.grant_type !== 'client_credentials')
    return refusal(given, 'unsupported_grant_type', 70003, 'The app requested an unsupported grant type.')
  asked(client_assertion === undefined ? 'clientSecret' : 'workload')
  if (clients !== undefined && !Object.hasOwn(clients, client_id)) {
    const words = `Application with identifier '${client_id}' was not found in the directory 'simulated'.`
    return refusal(given, 'unauthorized_client', 700016, words, 400)
  }
  const wanted = scope.split(' ').find((each) => each.endsWith('/.default'))
  if (wanted === undefined || scopes?.includes(wanted) === false)
    return refusal(given, 'invalid_scope', 1002012, `The provided value for scope ${scope} is not valid.`)
  if (client_assertion !== undefined) {
    if (assertions?.includes(client_assertion) === false)
      return refusal(given, 'invalid_client', 700213, 'No matching federated identity record found.', 401)
  } else if (client_secret === undefined || (clients !== undefined && clients[client_id] !== client_secret)) {
    return refusal(given, 'invalid_client', 7000215, 'Invalid client secret provided.', 401)
  }
  const { value, expiresAt } = given.issue()
  const expires_in = Math.floor((expiresAt - given.now()) / 1000)
  return {
    status: 200,
    json: { token_type: 'Bearer', expires_in, ext_expires_in: expires_in, access_token: value },
  }
}

function managedAnswer(
  { headers }: SecretRequest,
  query: URLSearchParams,
  given: Issuer<string>,
  asked: (way: 'managedIdentity') => void,
  { scopes }: EntraTokensOptions,
): SecretAnswer {
  asked('managedIdentity')
  const resource = query.get('resource')
  if (headers['x-identity-header'] !== identityHeader || query.get('api-version') !== '2019-08-01')
    return { status: 400, json: { statusCode: 400, message: 'Bad Request' } }
  const isKnown = scopes === undefined || scopes.includes(`${resource}/.default`)
  if (resource === null || !isKnown) {
    const message = `AADSTS500011: The resource principal named ${resource} was not found.`
    return { status: 400, json: { statusCode: 400, message } }
  }
  const { value, expiresAt } = given.held(`managed ${resource}`, 5 * 60_000)
  const expires_on = String(Math.floor(expiresAt / 1000))
  return { status: 200, json: { access_token: value, expires_on, resource, token_type: 'Bearer' } }
}

function refusal(
  { now }: Issuer<string>,
  error: string,
  code: number,
  words: string,
  status = 400,
): SecretAnswer {
  const timestamp = new Date(now()).toISOString()
  const error_description = `AADSTS${code}: ${words} Trace ID: 00000000-0000-4000-8000-000000000000 Timestamp: ${timestamp}`
  return { status, json: { error, error_description, error_codes: [code], timestamp } }
}
