import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** Who may sign. */
export interface AwsIdentity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Of temporary credentials: must come with each request. */
  readonly sessionToken?: string
  /** When temporary credentials expire, in milliseconds since the Unix epoch. @default never */
  readonly expiresAt?: number
}

/** What AWS says to a signature that it does not take. */
export interface SignatureProblem {
  readonly type: string
  readonly message: string
}

/** What AWS says of temporary credentials that have expired. */
export const expiredToken: SignatureProblem = {
  type: 'ExpiredTokenException',
  message: 'The security token included in the request is expired',
}

/** What AWS says of a signature that another key has made, or of another request. */
export const signatureMismatch: string =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.'

/** A request as it came over the wire. */
export interface SignedRequest {
  readonly method: string
  /** With the query, as it was sent. */
  readonly path: string
  /** Lower-case names; repeated headers joined by `, `. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** What a signature is checked against. */
export interface Signing {
  /** The name of the service in the scope: `kms`, `bedrock`, … */
  readonly service: string
  readonly identities: readonly AwsIdentity[]
  /** The server's time, in milliseconds since the Unix epoch. */
  readonly now: number
  /** The region in the scope. @default any */
  readonly region?: string | undefined
}

/** AWS takes a signature for so long, in minutes. */
const validFor = 5

const authorization =
  /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/

/**
 * Checks a request's Signature Version 4, header form, as AWS does for services other than S3: every part is computed
 * again from what came over the wire.
 */
export function signatureProblem(request: SignedRequest, signing: Signing): SignatureProblem | undefined {
  const { headers } = request
  const { service, identities, now } = signing
  const given = headers.authorization ?? ''
  if (!given.startsWith('AWS4-HMAC-SHA256 '))
    return problem('MissingAuthenticationTokenException', 'Missing Authentication Token')
  const match = authorization.exec(given)
  if (match === null) {
    const wanted = 'Credential, SignedHeaders and Signature'
    return problem('IncompleteSignatureException', `Authorization header requires ${wanted}.`)
  }
  const [, keyId, day, region, named, signedHeaders, signature] = match as unknown as string[]
  const identity = identities.find(({ accessKeyId }) => accessKeyId === keyId)
  if (identity === undefined || identity.sessionToken !== headers['x-amz-security-token'])
    return problem('UnrecognizedClientException', 'The security token included in the request is invalid.')
  if (now >= (identity.expiresAt ?? Infinity)) return expiredToken
  if (named !== service) return invalid(`Credential should be scoped to correct service: '${service}'. `)
  if (signing.region !== undefined && region !== signing.region)
    return invalid(`Credential should be scoped to a valid region, not '${region}'. `)

  const date = headers['x-amz-date'] ?? ''
  if (!date.startsWith(day as string))
    return invalid(`Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP`)
  const skewed = skewOf(date, now)
  if (skewed !== undefined) return invalid(skewed)
  const names = (signedHeaders as string).split(';')
  const needed = [
    'host',
    'x-amz-date',
    ...(identity.sessionToken === undefined ? [] : ['x-amz-security-token']),
  ]
  if (needed.some((name) => !names.includes(name))) return invalid(`must be signed: ${needed.join(', ')}`)
  const digest = headers['x-amz-content-sha256']
  if (digest !== undefined && digest !== sha256(request.body))
    return invalid("The provided 'x-amz-content-sha256' header does not match what was computed.")

  const scope = `${day}/${region}/${service}/aws4_request`
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(
    (secret, part) =>
      createHmac('sha256', secret)
        .update(part as string)
        .digest(),
    `AWS4${identity.secretAccessKey}`,
  )
  // What AWS takes a plus sign in a query for is not documented: signers differ, and either is taken here.
  const at = request.path.indexOf('?')
  const query = at < 0 ? '' : request.path.slice(at + 1)
  const matches = [...new Set([query, query.replaceAll('+', '%20')])].some((each) => {
    const canonical = sha256(canonicalRequest(request, each, names))
    const toSign = ['AWS4-HMAC-SHA256', date, scope, canonical].join('\n')
    const expected = createHmac('sha256', key).update(toSign).digest()
    return timingSafeEqual(expected, Buffer.from(signature as string, 'hex'))
  })
  if (matches) return undefined
  return invalid(signatureMismatch)
}

/** What is wrong with the time of a signature, in AWS's words, which name the time of the server. */
function skewOf(date: string, now: number): string | undefined {
  const behind = now - epochOf(date)
  if (Math.abs(behind) <= validFor * 60_000) return undefined
  const limit = (sign: 1 | -1): string =>
    `${amzDate(now + sign * validFor * 60_000)} (${amzDate(now)} ${sign < 0 ? '-' : '+'} ${validFor} min.)`
  return behind < 0
    ? `Signature not yet current: ${date} is still later than ${limit(1)}`
    : `Signature expired: ${date} is now earlier than ${limit(-1)}`
}

function canonicalRequest(
  { method, path, headers, body }: SignedRequest,
  query: string,
  names: readonly string[],
): string {
  const [pathname = ''] = path.split('?', 1)
  const lines = names.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`)
  return [
    method,
    canonicalPath(pathname),
    canonicalQuery(query),
    lines.join(''),
    names.join(';'),
    sha256(body),
  ].join('\n')
}

/** Each part, encoded already, is encoded once more; empty parts and dots are left out. */
function canonicalPath(pathname: string): string {
  const parts: string[] = []
  for (const part of pathname.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(encoded(part))
  }
  const end = parts.length > 0 && pathname.endsWith('/') ? '/' : ''
  return `/${parts.join('/')}${end}`
}

/** All pairs in their one encoding, sorted by name and value. */
function canonicalQuery(query: string): string {
  if (query === '') return ''
  const pairs = query.split('&').map((pair) => {
    const at = pair.indexOf('=')
    const [name, value] = at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)]
    return [encoded(decoded(name)), encoded(decoded(value))] as const
  })
  pairs.sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
  return pairs.map((pair) => pair.join('=')).join('&')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Percent-encoded as RFC 3986 has it: all but `A-Z a-z 0-9 - . _ ~`. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** `20261123T101500Z` in milliseconds since the Unix epoch. */
function epochOf(date: string): number {
  return Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
}

function amzDate(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

function invalid(message: string): SignatureProblem {
  return problem('InvalidSignatureException', message)
}

function problem(type: string, message: string): SignatureProblem {
  return { type, message }
}
