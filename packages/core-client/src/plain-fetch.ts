import type { Fetch } from '@spillway/attempt'
import { type Api, systemClock } from '@spillway/middleware'
import type { RequestHeaders } from '@spillway/middleware/kit'
import { headerFence } from '@spillway/wire'
import type { Response as UndiciResponse } from 'undici'
import { fetch as undiciFetch } from '#undici'
import { type AuthScheme, authenticated, unauthenticated } from './authentication.ts'
import type { ConnectionPool } from './connection-pool.ts'
import { type AccessToken, type Credential, tokenSource } from './credential.ts'
import { sendWithCredential, tokenExchange } from './credential-exchange.ts'
import { obtainToken } from './obtain-credential.ts'
import { errorResponse, signedExchange } from './signed-fetch.ts'
import type { RequestSigner } from './signing.ts'

/** What a {@link plainFetch} needs to know of its client. */
export interface PlainFetchOptions {
  readonly pool: ConnectionPool
  readonly baseUrl: string
  readonly credential: Credential | null | undefined
  readonly scheme: AuthScheme
  /** Signs instead of a credential. */
  readonly signer?: RequestSigner | undefined
  /** The protocol of the error when there is no credential to be had. */
  readonly api: Api
}

/** A request on its way, which a redirect may change. */
interface Outgoing {
  readonly url: URL
  readonly method: string
  readonly headers: RequestHeaders
  readonly body: Uint8Array | ReadableStream | null
  readonly duplex?: 'half'
  readonly signal: AbortSignal
  readonly redirect: Request['redirect']
}

/** As the Fetch standard has it. */
const mostRedirects = 20

/**
 * A `fetch` over the client's connections for what is not a model call: listing models, files, batches. The
 * credential goes to the endpoint's own origin and nowhere else, redirects included.
 */
export function plainFetch(options: PlainFetchOptions): Fetch {
  const { pool, credential, scheme, signer, api } = options
  const { origin } = new URL(options.baseUrl)
  const source = credential == null ? undefined : tokenSource(credential)

  const send = ({ url, redirect, ...request }: Outgoing, headers: RequestHeaders): Promise<UndiciResponse> =>
    undiciFetch(url, {
      ...request,
      headers: { ...headers },
      redirect: redirect === 'follow' ? 'manual' : redirect,
      dispatcher: pool.plain,
    })

  /** The token counts as used until the endpoint has answered: then it has been checked. */
  const sendWith = (request: Outgoing, { value, release }: AccessToken): Promise<UndiciResponse> =>
    send(request, authenticated(request.headers, value, scheme)).finally(() => release?.())

  const sendAuthenticated = async (request: Outgoing): Promise<UndiciResponse | Response> => {
    const { headers, signal } = request
    if (signer !== undefined && request.url.origin === origin) {
      const body = (request.body ?? new Uint8Array()) as Uint8Array
      return signedExchange(signer, {
        ...request,
        body,
        api,
        send: (signed) => send(request, signed),
      })
    }
    if (signer !== undefined) return send(request, unauthenticated(headers))
    if (source === undefined) return send(request, credential === null ? unauthenticated(headers) : headers)
    if (request.url.origin !== origin) return send(request, unauthenticated(headers))
    return sendWithCredential<AccessToken, UndiciResponse | Response>({
      ...tokenExchange(source, { clock: systemClock, signal }, ({ status }) => status),
      refuse: (failure) => errorResponse(api, failure),
      send: (token) => sendWith(request, token),
      discard: ({ body }) => body?.cancel(),
    })
  }

  const sendStream = async (
    input: Parameters<Fetch>[0],
    init: RequestInit,
    stream: ReadableStream,
  ): Promise<UndiciResponse | Response> => {
    const { body: _, ...rest } = init
    const { url, method, headers, signal } = new Request(input, rest)
    const outgoing = {
      ...{
        url: new URL(url),
        method,
        headers: Object.fromEntries(headers),
        signal,
        redirect: 'manual' as const,
      },
      ...{ body: stream, duplex: 'half' as const },
    }
    if (source === undefined || outgoing.url.origin !== origin) return sendAuthenticated(outgoing)
    const token = await obtainToken(source, { clock: systemClock, signal })
    if (!('value' in token)) return sendAuthenticated({ ...outgoing, body: null })
    const response = await sendWith(outgoing, token)
    if (response.status === 401) source.refused(token.value)
    return response
  }

  return async (input, init) => {
    // An upload goes on while it comes: it can be sent once, so neither a redirect nor a new token brings it again.
    const isStream = init?.body instanceof ReadableStream
    if (isStream && signer === undefined)
      return standardResponse(await sendStream(input, init, init.body as ReadableStream))
    // A signature is of the whole body.
    const request = new Request(input, isStream ? ({ ...init, duplex: 'half' } as RequestInit) : init)
    let outgoing: Outgoing = {
      url: new URL(request.url),
      method: request.method,
      headers: Object.fromEntries(request.headers),
      body: request.body === null ? null : new Uint8Array(await request.arrayBuffer()),
      signal: request.signal,
      redirect: request.redirect,
    }
    for (let redirects = 0; ; redirects++) {
      const response = await sendAuthenticated(outgoing)
      const next = request.redirect === 'follow' ? redirected(outgoing, response) : undefined
      if (next === undefined) return standardResponse(response)
      if (redirects === mostRedirects) throw new TypeError('too many redirects')
      await response.body?.cancel()
      outgoing = next
    }
  }
}

const passesAnyOrigin = headerFence('local', 'anthropic')

/** A redirect chooses its origin freely: all that was meant for the first one stays there. */
function forAnotherOrigin(headers: RequestHeaders): RequestHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => passesAnyOrigin(name)))
}

/** The request that a redirect asks for; undefined when the response is none. */
function redirected(request: Outgoing, response: UndiciResponse | Response): Outgoing | undefined {
  const { status } = response
  const location = response.headers.get('location')
  if (location === null || ![301, 302, 303, 307, 308].includes(status)) return undefined
  const url = new URL(location, request.url)
  const next = {
    ...request,
    url,
    headers: url.origin === request.url.origin ? request.headers : forAnotherOrigin(request.headers),
  }
  const becomesGet = status === 303 ? request.method !== 'HEAD' : status < 303 && request.method === 'POST'
  if (!becomesGet) return next
  const { 'content-type': _, 'content-length': __, ...headers } = next.headers
  return { ...next, headers, method: 'GET', body: null }
}

function standardResponse({ body, status, statusText, headers }: UndiciResponse | Response): Response {
  return new Response(body as ReadableStream<Uint8Array<ArrayBuffer>> | null, {
    status,
    statusText,
    headers: [...headers],
  })
}
