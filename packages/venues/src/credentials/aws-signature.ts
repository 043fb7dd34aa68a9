import type {
  RefusedSignature,
  RequestSignature,
  RequestSigner,
  UnsignedRequest,
} from '@spillway/core-client'
import type { Clock } from '@spillway/middleware'
import { type AwsCredentials, type AwsKeys, awsKeySource } from './aws-keys.ts'
import { loadPeer } from './load-peer.ts'
import { NodeSha256 } from './node-sha256.ts'
import { complaintOf, serverTime } from './signature-refusal.ts'

/** A service of AWS that sells Claude, by the name that its signatures hold. */
export type AwsService = 'bedrock' | 'bedrock-mantle' | 'aws-external-anthropic'

export interface AwsSignatureOptions {
  readonly service: AwsService
  /** Such as `us-east-1`. */
  readonly region: string
  /** @default the usual chain of AWS's SDK: environment, profile, web identity, container, instance */
  readonly credentials?: AwsCredentials | undefined
}

/** A request whose signature is older, or younger, than this is refused by AWS's clock, not for its keys; in milliseconds. */
const surelySkewed = 4 * 60_000
/** The header `date` tells whole seconds. */
const leastSkew = 2_000

/** What a signature was made with. */
interface Used {
  readonly keys: AwsKeys
  /** The time that it names, in milliseconds since the Unix epoch. */
  readonly at: number
}

/**
 * Signs each attempt for AWS (Signature Version 4), by AWS's own signer. Where AWS refuses the time of a signature, its clock is
 * used from then on; where it refuses the keys, others are obtained.
 * @throws TypeError for a region that none can be; CredentialError for explicit keys that none can be
 */
export function awsSignature({ service, region, credentials }: AwsSignatureOptions): RequestSigner {
  if (!/^[a-z0-9-]+$/.test(region)) throw new TypeError('region must be one of AWS, such as us-east-1')
  const source = awsKeySource(credentials)
  const used = new WeakMap<RequestSignature, Used>()
  /** How far AWS's clock is ahead of ours, in milliseconds. */
  let ahead = 0

  const sign = async (request: UnsignedRequest, clock: Clock): Promise<RequestSignature> => {
    const load = loadPeer('@smithy/signature-v4', () => import('@smithy/signature-v4'))
    const [{ SignatureV4 }, keys] = await Promise.all([load, source.keys(clock)])
    const at = clock.epoch() + ahead
    const signer = new SignatureV4({
      ...{ service, region, sha256: NodeSha256, applyChecksum: false },
      credentials: { accessKeyId: keys.accessKeyId, secretAccessKey: keys.secretAccessKey, ...tokenOf(keys) },
    })
    const { headers } = await signer.sign(signable(request), { signingDate: new Date(at) })
    const signature = {
      headers: {
        authorization: headers.authorization as string,
        'x-amz-date': headers['x-amz-date'] as string,
        ...(keys.sessionToken && { 'x-amz-security-token': keys.sessionToken }),
      },
    }
    used.set(signature, { keys, at })
    return signature
  }

  const hasOtherTime = (answer: RefusedSignature, at: number, least: number, clock: Clock): boolean => {
    const time = serverTime(answer)
    if (time === undefined || Math.abs(time - at) < least) return false
    ahead = time - clock.epoch()
    return true
  }

  return {
    headerNames: ['x-amz-date', 'x-amz-security-token'],
    sign,
    refused(answer, clock) {
      const made = used.get(answer.signature)
      if (made === undefined) return false
      const complaint = complaintOf(answer)
      if (complaint === 'keys') return source.refused(made.keys)
      if (complaint === undefined) return false
      return hasOtherTime(answer, made.at, complaint === 'time' ? leastSkew : surelySkewed, clock)
    },
  }
}

const tokenOf = ({ sessionToken }: AwsKeys): { sessionToken?: string } =>
  sessionToken === undefined ? {} : { sessionToken }

/** Of the headers only those are signed that surely arrive as they are: proxies change others. */
function signable({ method, url, headers, body }: UnsignedRequest) {
  const type = headers['content-type']
  return {
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query: queryOf(url.search),
    headers: { host: url.host, ...(type !== undefined && { 'content-type': type }) },
    body,
  }
}

/** Names with all of their values; a `+` is a `+` to AWS. */
function queryOf(search: string): Record<string, string[]> {
  const query: Record<string, string[]> = Object.create(null)
  for (const pair of search.slice(1).split('&')) {
    if (pair === '') continue
    const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(pair) as unknown as string[]
    const key = decoded(name)
    query[key] = [...(query[key] ?? []), decoded(value)]
  }
  return query
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
