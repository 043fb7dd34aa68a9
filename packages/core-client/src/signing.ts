import {
  type Clock,
  deriveRequest,
  type Failure,
  type Middleware,
  type ModelRequest,
  named,
  type RequestHeaders,
  type ResponseHeaders,
} from '@spillway/middleware'
import { refuse } from '@spillway/wire'
import { obtain, unauthenticated } from './authentication.ts'

/** A request as it will be sent. */
export interface UnsignedRequest {
  readonly method: string
  readonly url: URL
  /** Some are left out on the way: sign the host, and what you add. */
  readonly headers: RequestHeaders
  readonly body: Uint8Array
}

/** An answer that may speak of the signature. */
export interface RefusedSignature {
  /** As the endpoint sent it. */
  readonly status: number | undefined
  readonly headers: ResponseHeaders
  readonly failure: Failure
}

/** A credential that is never sent itself: it signs each attempt. */
export interface RequestSigner {
  /** The headers that sign a request, in lower case. */
  sign(
    request: UnsignedRequest,
    clock: Clock,
  ): { readonly headers: RequestHeaders } | Promise<{ readonly headers: RequestHeaders }>
  /**
   * Hears of each failed answer.
   * @returns whether another signature may be taken, since the one that was sent was too old or by a key that has been replaced
   */
  refused(answer: RefusedSignature, clock: Clock): boolean
}

/** Whether a credential signs instead of being sent. */
export function isSigner(credential: unknown): credential is RequestSigner {
  return typeof credential === 'object' && credential !== null && 'sign' in credential
}

/**
 * Signs each attempt, without what the caller presented. Where the endpoint refuses a signature and the signer has a better one, the
 * request goes out once more.
 * @param urlOf where a request goes
 */
export function signing(signer: RequestSigner, urlOf: (request: ModelRequest) => URL): Middleware {
  const signRequest: Middleware = (next) => async (request) => {
    const bare = deriveRequest(request, { headers: unauthenticated(request.headers) })
    const sign = () => {
      const { headers, body } = bare
      return signer.sign({ method: 'POST', url: urlOf(bare), headers, body: body.bytes }, bare.clock)
    }
    const first = await obtain(sign, bare)
    if (!('headers' in first)) return refuse(bare, first)
    const send = ({ headers }: { readonly headers: RequestHeaders }) =>
      next(deriveRequest(bare, { headers: { ...bare.headers, ...headers } }))
    const response = await send(first)
    const { failure } = response
    if (failure === undefined || failure.origin !== 'upstream') return response
    const { status } = failure
    if (!signer.refused({ status, headers: response.headers, failure }, bare.clock)) return response
    const second = await obtain(sign, bare)
    if (!('headers' in second)) return response
    response.body.cancel()
    return send(second)
  }
  return named(signRequest, 'signing')
}
