import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Failure } from '@spillway/middleware'
import type { Client, KeyProblem } from '../clients/client-directory.ts'
import { clientKeyPattern, clientKeyStart } from '../clients/client-key.ts'
import { isToken } from '../identity/token-directory.ts'
import type { TokenProblem } from '../identity/verify-token.ts'
import { callerError } from '../server/refusal.ts'
import { isSigned } from '../server/tenant.ts'

/** A request that may go on. */
export interface Admitted {
  /** Undefined on paths that need no key. */
  readonly client: Client | undefined
  /** Whether its key came as `x-api-key` alone, as clients of Anthropic's send it. */
  readonly isAnthropics: boolean
}

/** Who presents a key or a token; a token that was not seen before takes a moment. */
export interface Credentials {
  check(credential: string): Checked | Promise<Checked>
}

type Checked = Client | KeyProblem | TokenProblem

/** Everything by which clients present keys, tokens and sessions. */
const credentials = [
  'cookie',
  'authorization',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
  'proxy-authorization',
] as const

const open: ReadonlySet<string> = new Set(['/healthz', '/readyz'])

/**
 * Decides by a request's head whether a gateway with `auth: keys` serves it, and takes what it presents out of its headers, so that
 * nothing behind can pass it on. Every path needs a key that is not named here, whether it is known or not.
 * @param path without the query, exactly as it is dispatched by
 */
export function admitClient(
  req: IncomingMessage,
  path: string,
  clients: Credentials,
): Admitted | Failure | Promise<Admitted | Failure> {
  const { headers } = req
  if (clientKeyPattern.test(req.url ?? '')) return unauthenticated(inTheUrl)
  const isAnthropics = headers['x-api-key'] !== undefined && headers.authorization === undefined
  const key = presented(headers)
  const wasSigned = isSigned(headers.authorization)
  forgetCredentials(headers)
  const keyless = { client: undefined, isAnthropics }
  if (open.has(path)) return keyless
  if (key === undefined) return unauthenticated(wasSigned ? unsigned : missing)
  const answer = (checked: Checked): Admitted | Failure => {
    if (typeof checked === 'string') return unauthenticated(problems[checked])
    return 'reason' in checked ? unacceptable(checked) : { client: checked, isAnthropics }
  }
  const checked = clients.check(key)
  return checked instanceof Promise ? checked.then(answer) : answer(checked)
}

function unacceptable({ message, status }: TokenProblem): Failure {
  if (status === 503) return callerError('server', message, 503)
  return callerError(status === 403 ? 'permission' : 'authentication', message, status)
}

/** Nothing behind the door can pass on what was presented. */
export function forgetCredentials(headers: IncomingHttpHeaders): void {
  for (const name of credentials) delete headers[name]
}

/** Why a request with a key in its URL is refused. */
export const inTheUrl =
  'a key of this gateway is in the URL, where logs keep it: send it as a header, and replace it'

const missing = 'a key of this gateway is missing: send it as x-api-key or Authorization: Bearer'
const unsigned =
  'signatures for AWS are not verified: send a key of this gateway as Authorization: Bearer (AWS_BEARER_TOKEN_BEDROCK)'

/** Why a key is refused. */
export const problems: Readonly<Record<KeyProblem, string>> = {
  foreign: 'not a key of this gateway: those start with sw-',
  mistyped: 'this key is mistyped or cut off: its checksum does not fit',
  unknown: 'this key is unknown, revoked or expired',
}

/** The first that looks like one of ours, else a token, else the first. SDKs find another vendor's key in the environment and send that too. */
export function presented(headers: IncomingHttpHeaders): string | undefined {
  const { authorization } = headers
  const all = [headers['x-api-key'], headers['api-key'], isSigned(authorization) ? undefined : authorization]
    .map((each) => (typeof each === 'string' ? withoutScheme(each) : ''))
    .filter((each) => each !== '')
  return all.find((each) => each.startsWith(clientKeyStart)) ?? all.find(isToken) ?? all[0]
}

/** Some set `Bearer` with the key, where their client or its other header has it already. */
const withoutScheme = (text: string): string => text.replace(/^(?:bearer\s+)+/i, '').trim()

const unauthenticated = (message: string): Failure => callerError('authentication', message, 401)
