import {
  type Clock,
  deriveRequest,
  type Failure,
  type Middleware,
  type ModelRequest,
  type ModelResponse,
  named,
} from '@spillway/middleware'
import type { RequestHeaders, ResponseHeaders } from '@spillway/middleware/kit'
import { refuse } from '@spillway/wire'
import { unauthenticated } from './authentication.ts'
import { sendWithCredential } from './credential-exchange.ts'
import { obtain } from './obtain-credential.ts'

/** A request as it will be sent. */
export interface UnsignedRequest {
  readonly method: string
  readonly url: URL
  /** Some are left out on the way: sign the host, and what you add. */
  readonly headers: RequestHeaders
  readonly body: Uint8Array
}

/** What a signer adds to a request. */
export interface RequestSignature {
  /** In lower case; only those that the signer names, `authorization` and `x-api-key`. */
  readonly headers: RequestHeaders
}

/** An answer that may speak of the signature. */
export interface RefusedSignature {
  /** The very object that `sign` returned for the request. */
  readonly signature: RequestSignature
  /** As the endpoint sent it. */
  readonly status: number | undefined
  readonly headers: ResponseHeaders
  readonly failure: Failure
}

/** A credential that is never sent itself: it signs each attempt. */
export interface RequestSigner {
  /** Names of headers that it may add besides `authorization` and `x-api-key`, in lower case. The caller's are left out. */
  readonly headerNames?: readonly string[] | undefined
  /** The headers that sign a request. */
  sign(request: UnsignedRequest, clock: Clock): RequestSignature | Promise<RequestSignature>
  /**
   * Hears of each failed answer that may be about its signature.
   * @returns whether another signature may be taken, since the one that was sent was too old or by a key that has been replaced
   */
  refused(answer: RefusedSignature, clock: Clock): boolean
}

/** Whether a credential signs instead of being sent. */
export function isSigner(credential: unknown): credential is RequestSigner {
  return typeof credential === 'object' && credential !== null && 'sign' in credential
}

/** Headers without any credential, and without what the signer adds. */
export function unsigned(headers: RequestHeaders, { headerNames = [] }: RequestSigner): RequestHeaders {
  const others = { ...unauthenticated(headers) }
  for (const name of headerNames) delete others[name]
  return others
}

/**
 * Signs each attempt, without what the caller presented. Where the endpoint refuses a signature and the signer has a better one, the
 * request goes out once more.
 * @param urlOf where a request goes
 */
export function signing(signer: RequestSigner, urlOf: (request: ModelRequest) => URL): Middleware {
  const signRequest: Middleware = (next) => (request) => {
    const bare = deriveRequest(request, { headers: unsigned(request.headers, signer) })
    const sign = () => {
      const { headers, body } = bare
      return signer.sign({ method: 'POST', url: urlOf(bare), headers, body: body.bytes }, bare.clock)
    }
    return sendWithCredential<RequestSignature, ModelResponse>({
      obtain: () => obtain(sign, bare),
      refuse: (failure) => refuse(bare, failure),
      send: ({ headers }) => next(deriveRequest(bare, { headers: { ...bare.headers, ...headers } })),
      isRefused({ failure, headers }, signature) {
        if (failure === undefined || failure.origin !== 'upstream') return false
        return signer.refused({ signature, status: failure.status, headers, failure }, bare.clock)
      },
      discard: ({ body }) => body.cancel(),
    })
  }
  return named(signRequest, 'signing')
}
