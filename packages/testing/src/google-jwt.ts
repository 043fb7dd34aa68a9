import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'

/** The key of a service account, as Google hands it out in a file. */
export interface ServiceAccountKey {
  readonly type: 'service_account'
  readonly project_id: string
  readonly private_key_id: string
  readonly private_key: string
  readonly client_email: string
  readonly client_id: string
  readonly token_uri: string
}

/** Making a key takes long, so that all servers have the same. */
let privateKey: string | undefined

export function serviceAccountKey(token_uri: string, project_id: string): ServiceAccountKey {
  privateKey ??= generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  }).privateKey
  return {
    type: 'service_account',
    project_id,
    private_key_id: 'simulated',
    private_key: privateKey,
    client_email: `spillway@${project_id}.iam.gserviceaccount.com`,
    client_id: '100000000000000000001',
    token_uri,
  }
}

/** Google's own, which its library puts into assertions whatever the file says. */
const googleTokenUri = 'https://oauth2.googleapis.com/token'

/** Says in Google's words what is wrong with the assertion of a service account; checks its signature. */
export function wrongAssertion(assertion: string, key: ServiceAccountKey, now: number): string | undefined {
  const [head = '', claims = '', signature = ''] = assertion.split('.')
  const { alg } = parsed(head)
  if (alg !== 'RS256') return 'Invalid JWT: Failed audience check.'
  const isSigned = verify(
    'RSA-SHA256',
    Buffer.from(`${head}.${claims}`),
    createPublicKey(key.private_key),
    Buffer.from(signature, 'base64url'),
  )
  if (!isSigned) return 'Invalid JWT Signature.'
  const { iss, aud, iat, exp, scope } = parsed(claims)
  if (iss !== key.client_email) return 'Invalid grant: account not found'
  if (aud !== key.token_uri && aud !== googleTokenUri) return 'Invalid JWT: Failed audience check.'
  const seconds = now / 1000
  const isTimely =
    typeof iat === 'number' &&
    typeof exp === 'number' &&
    exp - iat <= 3600 &&
    iat <= seconds + 60 &&
    exp >= seconds
  if (!isTimely) {
    return 'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.'
  }
  return typeof scope === 'string' && scope !== ''
    ? undefined
    : 'Invalid OAuth scope or ID token audience provided.'
}

function parsed(part: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
