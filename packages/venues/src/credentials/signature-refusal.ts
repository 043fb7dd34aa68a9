import type { RefusedSignature } from '@spillway/core-client'
import { header } from '@spillway/wire/internal'

/** What AWS says about a signature: nothing, that its time is wrong, or its keys. */
export type SignatureComplaint = 'time' | 'maybe time' | 'keys' | undefined

const complaints: Readonly<Record<string, SignatureComplaint>> = {
  SignatureExpired: 'time',
  RequestTimeTooSkewed: 'time',
  RequestExpired: 'time',
  RequestInTheFuture: 'time',
  // The same name for a wrong key.
  InvalidSignature: 'maybe time',
  InvalidSignatureException: 'maybe time',
  SignatureDoesNotMatch: 'maybe time',
  ExpiredToken: 'keys',
  ExpiredTokenException: 'keys',
  InvalidToken: 'keys',
  InvalidClientTokenId: 'keys',
  UnrecognizedClientException: 'keys',
}

/** Venues that speak Anthropic's form give the words alone. */
const words: readonly (readonly [RegExp, SignatureComplaint])[] = [
  [/\bSignature (?:has )?expired\b|\bSignature not yet current\b/i, 'time'],
  [/\bsecurity token included in the request is (?:expired|invalid)\b/i, 'keys'],
]

/** Reads what an error says about the signature. */
export function complaintOf({
  status,
  failure,
}: Pick<RefusedSignature, 'status' | 'failure'>): SignatureComplaint {
  if (status !== 400 && status !== 401 && status !== 403) return undefined
  const { code, message } = failure
  return words.find(([pattern]) => pattern.test(message))?.[1] ?? complaints[code ?? '']
}

/** The time of the server when it answered, in milliseconds since the Unix epoch. */
export function serverTime({ headers }: Pick<RefusedSignature, 'headers'>): number | undefined {
  const time = Date.parse(header(headers, 'date') ?? '')
  return Number.isNaN(time) ? undefined : time
}
