import type { Failure } from '@spillway/middleware'
import type { AccessToken, TokenSource } from './credential.ts'
import { type CredentialCall, obtainToken } from './obtain-credential.ts'

/** One request that is sent with a credential `C` and answered with an `R`. */
export interface CredentialExchange<C extends object, R> {
  /** The credential to send now, or why there is none. */
  obtain(): C | Failure | Promise<C | Failure>
  /** The answer where there is no credential. */
  refuse(failure: Failure): R
  send(credential: C): Promise<R>
  /** Tells the source of the credential where the endpoint has refused it. @returns whether another one may be sent */
  isRefused(response: R, credential: C): boolean | Promise<boolean>
  /** Whether the second credential is the one that was refused, and is not sent. */
  isSame?(second: C, first: C): boolean
  /** Ends a response that is not handed on. */
  discard(response: R): unknown
}

/** Sends a request with its credential, and once more where the endpoint refuses that and there is another one. */
export async function sendWithCredential<C extends object, R>(
  exchange: CredentialExchange<C, R>,
): Promise<R> {
  const obtained = exchange.obtain()
  // What is there at once is not waited for.
  const first = obtained instanceof Promise ? await obtained : obtained
  if (isFailure(first)) return exchange.refuse(first)
  const response = await exchange.send(first)
  const refused = exchange.isRefused(response, first)
  if (!(refused instanceof Promise ? await refused : refused)) return response
  const second = await exchange.obtain()
  if (isFailure(second) || exchange.isSame?.(second, first)) return response
  await exchange.discard(response)
  return exchange.send(second)
}

function isFailure(obtained: object): obtained is Failure {
  return 'retryable' in obtained && 'origin' in obtained
}

/** What exchanges with tokens have in common: 401 refuses one, and the same one is not sent twice. */
export function tokenExchange<R>(
  source: TokenSource,
  call: CredentialCall,
  statusOf: (response: R) => number | undefined,
): Pick<CredentialExchange<AccessToken, R>, 'obtain' | 'isRefused' | 'isSame'> {
  return {
    obtain: () => obtainToken(source, call),
    isRefused(response, { value }) {
      if (statusOf(response) !== 401) return false
      source.refused(value)
      return true
    },
    isSame(second, first) {
      if (second.value !== first.value) return false
      second.release?.()
      return true
    },
  }
}
