import { type Answer, type Call, type Dialect, errorAnswer } from './answer.ts'
import { bearerToken } from './anthropic-validation.ts'
import { type AwsIdentity, type SignatureProblem, signatureProblem } from './signature-v4.ts'

/** Who may call a venue of AWS. */
export interface AwsAccess {
  /** The API keys that are let in. @default any key */
  readonly apiKeys?: readonly string[]
  /** Who may sign, or who may at the moment; each signature is computed again. @default any signature, which is not looked at */
  readonly identities?: readonly AwsIdentity[] | (() => readonly AwsIdentity[])
  /** The region that signatures must name. @default any */
  readonly region?: string
  /**
   * The server's time, in milliseconds since the Unix epoch: for the age of signatures, for temporary credentials, and in the
   * header `date`.
   * @default the system's
   */
  readonly now?: () => number
}

/**
 * Says what is wrong with a key or a signature.
 * @param key the key that the request has, if any
 */
export function awsProblem(
  { request }: Call,
  service: string,
  access: AwsAccess,
  key: string | undefined,
): SignatureProblem | undefined {
  const { apiKeys, identities, region, now = Date.now } = access
  if (key !== undefined) {
    if (apiKeys === undefined || apiKeys.includes(key)) return undefined
    return {
      type: 'AccessDeniedException',
      message: 'Authentication failed: Please make sure your API Key is valid.',
    }
  }
  const isSigned = (request.headers.authorization ?? '').startsWith('AWS4-HMAC-SHA256 ')
  if (isSigned && identities === undefined) return undefined
  const known = typeof identities === 'function' ? identities() : (identities ?? [])
  return signatureProblem(request, { service, identities: known, now: now(), region })
}

/** The answer of a first-party front of AWS to a key, in either header, or a signature that it does not let in. */
export function refusedByAws(
  call: Call,
  dialect: Dialect,
  service: string,
  access: AwsAccess,
): Answer | undefined {
  const key = bearerToken(call) ?? call.request.headers['x-api-key']
  const problem = awsProblem(call, service, access, key)
  return problem && errorAnswer(dialect, call, { status: 401, message: problem.message })
}

/** The headers of every response of AWS. */
export function awsHeaders({ id }: Call, { now }: AwsAccess): Record<string, string> {
  const date = now === undefined ? {} : { date: new Date(now()).toUTCString() }
  return { 'x-amzn-requestid': id, ...date }
}
