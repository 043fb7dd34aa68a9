import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { SecretRequest } from './secret-server.ts'

/** Who may sign. */
export interface AwsIdentity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Of temporary credentials: must come with each request. */
  readonly sessionToken?: string
}

/** What AWS says to a signature that it does not take. */
export interface SignatureProblem {
  readonly type: string
  readonly message: string
}

/** AWS takes a signature for so long, in milliseconds. */
const validFor = 5 * 60_000

/**
 * Checks a request's Signature Version 4, header form, as AWS does for services other than S3: every part is computed
 * again from what came over the wire.
 */
export function signatureProblem(
  request: SecretRequest,
  service: string,
  identities: readonly AwsIdentity[],
  now: number,
): SignatureProblem | undefined {
  const { headers } = request
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    )
  if (match === null) return problem('MissingAuthenticationTokenException', 'Missing Authentication Token')
  const [, keyId, day, region, named, signedHeaders, signature] = match as unknown as string[]
  const identity = identities.find(({ accessKeyId }) => accessKeyId === keyId)
  if (identity === undefined) return unknownToken()
  if (identity.sessionToken !== headers['x-amz-security-token']) return unknownToken()
  if (named !== service)
    return problem('InvalidSignatureException', `Credential should be scoped to ${service}`)

  const date = headers['x-amz-date'] ?? ''
  if (!date.startsWith(day as string))
    return problem('InvalidSignatureException', 'Date in Credential scope does not match')
  if (!(Math.abs(epochOf(date) - now) <= validFor)) {
    return problem(
      'InvalidSignatureException',
      `Signature expired: ${date} is too far from the time of the server`,
    )
  }
  const names = (signedHeaders as string).split(';')
  const needed = [
    'host',
    'x-amz-date',
    ...(identity.sessionToken === undefined ? [] : ['x-amz-security-token']),
  ]
  if (needed.some((name) => !names.includes(name))) {
    return problem('InvalidSignatureException', `must be signed: ${needed.join(', ')}`)
  }

  const scope = `${day}/${region}/${service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonicalRequest(request, names))].join('\n')
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(
    (secret, part) =>
      createHmac('sha256', secret)
        .update(part as string)
        .digest(),
    `AWS4${identity.secretAccessKey}`,
  )
  const expected = createHmac('sha256', key).update(toSign).digest()
  if (timingSafeEqual(expected, Buffer.from(signature as string, 'hex'))) return undefined
  return problem(
    'InvalidSignatureException',
    'The request signature we calculated does not match the signature you provided.',
  )
}

function canonicalRequest({ method, path, headers, body }: SecretRequest, names: readonly string[]): string {
  const [pathname = '/', query = ''] = path.split('?', 2)
  const lines = names.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`)
  const sortedQuery = query.split('&').sort().join('&')
  return [method, pathname, sortedQuery, lines.join(''), names.join(';'), sha256(body)].join('\n')
}

/** `20261123T101500Z` in milliseconds since the Unix epoch. */
function epochOf(date: string): number {
  return Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}

function unknownToken(): SignatureProblem {
  return problem('UnrecognizedClientException', 'The security token included in the request is invalid.')
}

function problem(type: string, message: string): SignatureProblem {
  return { type, message }
}
