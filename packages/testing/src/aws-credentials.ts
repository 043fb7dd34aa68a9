import {
  type CredentialServer,
  type CredentialServerOptions,
  type Issuer,
  startCredentialServer,
  textAnswer,
} from './credential-server.ts'
import type { SecretAnswer, SecretRequest } from './secret-server.ts'
import type { AwsIdentity } from './signature-v4.ts'
import { stsAnswer } from './sts.ts'

/** Options of {@link startAwsCredentials}. */
export interface AwsCredentialsOptions extends CredentialServerOptions {
  /** What the container endpoint wants in `authorization`. @default nothing */
  readonly containerToken?: string
  /** The tokens that STS takes as web identities. @default any */
  readonly webIdentityTokens?: readonly string[]
  /** The roles that may be assumed. @default any */
  readonly roles?: readonly string[]
}

/** The ways to credentials of AWS. */
export type AwsWay = 'container' | 'instance' | 'webIdentity'

/** A simulated source of credentials of AWS. */
export interface AwsCredentialServer extends CredentialServer<AwsWay> {
  /** All that were given out until now, with their expiry: for the option `identities` of the simulated venues. */
  readonly identities: readonly AwsIdentity[]
  /** The environment that leads AWS's SDK here, by way. A web identity takes `AWS_WEB_IDENTITY_TOKEN_FILE` as well. */
  readonly environment: Readonly<Record<AwsWay, Readonly<Record<string, string>>>>
}

/** AWS replaces credentials by so long before they expire, in milliseconds. */
const ahead = 5 * 60_000
const role = 'spillway-role'
const imds = '/latest/meta-data/iam/security-credentials/'

/**
 * Starts a server that gives out temporary credentials of AWS: as the endpoint of a container (ECS, EKS), as the metadata service of
 * an instance (IMDSv2; version 1 is refused), and as STS for AssumeRoleWithWebIdentity.
 */
export async function startAwsCredentials(options: AwsCredentialsOptions = {}): Promise<AwsCredentialServer> {
  const sessions = new Set<string>()
  const make = (count: number, expiresAt: number): AwsIdentity => ({
    accessKeyId: `ASIASIMULATED${String(count).padStart(7, '0')}`,
    secretAccessKey: `secret-${count}`,
    sessionToken: `session-${count}`,
    expiresAt,
  })
  const { server, issuer } = await startCredentialServer<AwsIdentity, AwsWay>(
    options,
    ['container', 'instance', 'webIdentity'],
    make,
    (given, asked) => (request) => {
      const [path = ''] = request.path.split('?')
      if (path === '/container') {
        asked('container')
        return containerAnswer(request, given, options)
      }
      if (path.startsWith('/latest/')) return instanceAnswer(request, path, given, sessions, asked)
      if (request.method !== 'POST' || path !== '/') return textAnswer('Not Found', {}, 404)
      asked('webIdentity')
      return stsAnswer(request, given, options)
    },
  )
  const { url } = server
  return {
    ...server,
    get identities() {
      return issuer.issued.map(({ value }) => value)
    },
    environment: {
      container: {
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/container`,
        ...(options.containerToken !== undefined && {
          AWS_CONTAINER_AUTHORIZATION_TOKEN: options.containerToken,
        }),
      },
      instance: { AWS_EC2_METADATA_SERVICE_ENDPOINT: url },
      webIdentity: {
        AWS_ENDPOINT_URL_STS: url,
        AWS_ROLE_ARN: options.roles?.[0] ?? `arn:aws:iam::123456789012:role/${role}`,
        AWS_REGION: 'us-east-1',
      },
    },
  }
}

function containerAnswer(
  { headers }: SecretRequest,
  given: Issuer<AwsIdentity>,
  { containerToken }: AwsCredentialsOptions,
): SecretAnswer {
  if (containerToken !== undefined && headers.authorization !== containerToken) {
    return { status: 401, json: { code: 'AccessDeniedException', message: 'Authorization token is invalid' } }
  }
  const { value, expiresAt } = given.held('container', ahead)
  return {
    status: 200,
    json: { RoleArn: `arn:aws:iam::123456789012:role/${role}`, ...fieldsOf(value, expiresAt) },
  }
}

function instanceAnswer(
  { method, headers }: SecretRequest,
  path: string,
  given: Issuer<AwsIdentity>,
  sessions: Set<string>,
  asked: (way: 'instance') => void,
): SecretAnswer {
  if (path === '/latest/api/token') {
    if (method !== 'PUT') return textAnswer('Method Not Allowed', {}, 405)
    const ttl = Number(headers['x-aws-ec2-metadata-token-ttl-seconds'])
    if (!(ttl >= 1 && ttl <= 21_600)) return textAnswer('Bad Request', {}, 400)
    if (headers['x-forwarded-for'] !== undefined) return textAnswer('Forbidden', {}, 403)
    const session = `imds-session-${sessions.size + 1}`
    sessions.add(session)
    return textAnswer(session, { 'x-aws-ec2-metadata-token-ttl-seconds': String(ttl) })
  }
  if (!sessions.has(headers['x-aws-ec2-metadata-token'] ?? '')) return textAnswer('Unauthorized', {}, 401)
  if (path === imds) return textAnswer(role)
  if (path === '/latest/meta-data/placement/region') return textAnswer('us-east-1')
  if (path !== `${imds}${role}`) return textAnswer('Not Found', {}, 404)
  asked('instance')
  const { value, expiresAt } = given.held('instance', ahead)
  const at = new Date(given.now()).toISOString()
  return {
    status: 200,
    json: { Code: 'Success', LastUpdated: at, Type: 'AWS-HMAC', ...fieldsOf(value, expiresAt) },
  }
}

function fieldsOf({ accessKeyId, secretAccessKey, sessionToken }: AwsIdentity, expiresAt: number): object {
  return {
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    Token: sessionToken,
    Expiration: new Date(expiresAt).toISOString(),
  }
}
