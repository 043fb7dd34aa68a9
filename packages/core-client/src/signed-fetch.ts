import { type Api, type RequestHeaders, systemClock } from '@spillway/middleware'
import { classifyHttpError, renderError } from '@spillway/wire'
import type { Response as UndiciResponse } from 'undici'
import { obtain } from './authentication.ts'
import { type RequestSigner, unsigned } from './signing.ts'

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
export async function signedExchange(
  signer: RequestSigner,
  { method, url, headers, body, signal, api, send }: SignedExchange,
): Promise<UndiciResponse | Response> {
  const bare = unsigned(headers, signer)
  const call = { clock: systemClock, signal }
  const sign = () => signer.sign({ method, url, headers: bare, body }, systemClock)
  const first = await obtain(sign, call)
  if (!('headers' in first)) {
    const { body: text, ...init } = renderError(api, first)
    return new Response(text as Uint8Array<ArrayBuffer>, init as ResponseInit)
  }
  const response = await send({ ...bare, ...first.headers })
  const { status } = response
  if (status < 400 || status >= 500) return response
  const said = Object.fromEntries(response.headers)
  const failure = classifyHttpError(status, said, await errorOf(response), systemClock.epoch())
  if (!signer.refused({ signature: first, status, headers: said, failure }, systemClock)) return response
  const second = await obtain(sign, call)
  if (!('headers' in second)) return response
  await response.body?.cancel()
  return send({ ...bare, ...second.headers })
}

/** An error is seldom longer, in bytes. */
const longestError = 65_536

/** What an error says, where it is short; the response can be read as before. */
async function errorOf(response: UndiciResponse): Promise<unknown> {
  if (!(Number(response.headers.get('content-length') ?? Number.NaN) <= longestError)) return undefined
  return response
    .clone()
    .json()
    .catch(() => undefined)
}
