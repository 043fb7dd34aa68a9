import { type Api, type Failure, systemClock } from '@spillway/middleware'
import type { RequestHeaders } from '@spillway/middleware/kit'
import { classifyHttpError, renderError } from '@spillway/wire'
import type { Response as UndiciResponse } from 'undici'
import { sendWithCredential } from './credential-exchange.ts'
import { obtain } from './obtain-credential.ts'
import { type RequestSignature, type RequestSigner, unsigned } from './signing.ts'

/** A request that is no model call, and how it is sent. */
export interface SignedExchange {
  readonly method: string
  readonly url: URL
  readonly headers: RequestHeaders
  readonly body: Uint8Array
  readonly signal: AbortSignal
  /** The protocol of the error when it cannot be signed. */
  readonly api: Api
  send(headers: RequestHeaders): Promise<UndiciResponse>
}

/** Sends a signed request, and once more where the signer has a better signature than the one that was refused. */
export function signedExchange(
  signer: RequestSigner,
  { method, url, headers, body, signal, api, send }: SignedExchange,
): Promise<UndiciResponse | Response> {
  const bare = unsigned(headers, signer)
  const sign = () => signer.sign({ method, url, headers: bare, body }, systemClock)
  return sendWithCredential<RequestSignature, UndiciResponse | Response>({
    obtain: () => obtain(sign, { clock: systemClock, signal }),
    refuse: (failure) => errorResponse(api, failure),
    send: (signature) => send({ ...bare, ...signature.headers }),
    async isRefused(response, signature) {
      const { status } = response
      if (status < 400 || status >= 500) return false
      const said = Object.fromEntries(response.headers)
      const failure = classifyHttpError(status, said, await errorOf(response), systemClock.epoch())
      return signer.refused({ signature, status, headers: said, failure }, systemClock)
    },
    discard: ({ body: unread }) => unread?.cancel(),
  })
}

/** The answer to a request that cannot be sent. */
export function errorResponse(api: Api, failure: Failure): Response {
  const { body, ...init } = renderError(api, failure)
  return new Response(body as Uint8Array<ArrayBuffer>, init as ResponseInit)
}

/** An error is seldom longer, in bytes. */
const longestError = 65_536

/** What an error says, where it is short; the response can be read as before. */
async function errorOf(response: UndiciResponse | Response): Promise<unknown> {
  if (!(Number(response.headers.get('content-length') ?? Number.NaN) <= longestError)) return undefined
  return response
    .clone()
    .json()
    .catch(() => undefined)
}
