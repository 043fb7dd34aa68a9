import type { Api, ModelRequest, ResponseHeaders } from '@spillway/middleware'
import { type HeaderFence, headerFence, isDivertedHeader } from '@spillway/wire'
import type { Fetch } from './fetch-call.ts'
import type { Transport, TransportSink } from './transport.ts'

export interface FetchTransportOptions {
  /**
   * Names of headers that a fallback, or the candidate of a mirror, gets besides those that its protocol defines. Never
   * `authorization`, `x-api-key`, cookies, `x-spillway-*` or those of one connection.
   * @default []
   */
  readonly forwardHeaders?: readonly string[]
  /**
   * Whether a fallback, or the candidate of a mirror, gets the caller's own key too: where all targets belong to the
   * vendor that the caller meant.
   * @default false
   */
  readonly callersCredential?: boolean
}

/**
 * Carries an attempt over any `fetch`, to the URL that the request names, with all its headers. Of a call to a
 * fallback, or to the candidate of a mirror, the caller meant its headers for another target: of those only the ones go
 * that the protocol defines, and no credential. What a middleware of this target has put in goes.
 * @throws RangeError for `forwardHeaders` that never go upstream
 */
export function fetchTransport(fetch: Fetch, options: FetchTransportOptions = {}): Transport {
  const { forwardHeaders, callersCredential: credentials = false } = options
  const fences = {
    anthropic: headerFence('anthropic', 'anthropic', { forwardHeaders, credentials }),
    openai: headerFence('openai', 'openai', { forwardHeaders, credentials }),
  }
  return (request, sink) => {
    const exchange = new FetchExchange(fetch, request, sink, fences)
    void exchange.run()
    return exchange
  }
}

class FetchExchange {
  readonly #fetch: Fetch
  readonly #request: ModelRequest
  readonly #sink: TransportSink
  readonly #fences: Readonly<Record<Api, HeaderFence>>
  readonly #controller = new AbortController()
  #resumed: PromiseWithResolvers<void> | undefined

  constructor(
    fetch: Fetch,
    request: ModelRequest,
    sink: TransportSink,
    fences: Readonly<Record<Api, HeaderFence>>,
  ) {
    this.#fences = fences
    this.#fetch = fetch
    this.#request = request
    this.#sink = sink
  }

  async run(): Promise<void> {
    const { url, body } = this.#request
    const { signal } = this.#controller
    try {
      const init = {
        method: 'POST',
        headers: outgoingHeaders(this.#request, this.#fences),
        body: body.bytes as Uint8Array<ArrayBuffer>,
        signal,
      }
      const response = await this.#fetch(url, init)
      this.#sink.headers(response.status, responseHeaders(response.headers))
      if (response.body !== null) await this.#read(response.body)
      if (!signal.aborted) this.#sink.end()
    } catch (error) {
      if (!signal.aborted) this.#sink.error(error)
    }
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const reader = body.getReader()
    for (;;) {
      if (this.#resumed !== undefined) await this.#resumed.promise
      const { done, value } = await reader.read()
      if (done || this.#controller.signal.aborted) return
      this.#sink.data(value)
    }
  }

  pause(): void {
    this.#resumed ??= Promise.withResolvers()
  }

  resume(): void {
    this.#resumed?.resolve()
    this.#resumed = undefined
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason)
    this.resume()
  }
}

/** All but what is meant for Spillway alone, and the length of a body that may have been replaced. */
const ofCaller = (name: string): boolean => name !== 'content-length' && !name.startsWith('x-spillway-')

function outgoingHeaders(
  { api, context: { divertedHeaders }, headers }: ModelRequest,
  fences: Readonly<Record<Api, HeaderFence>>,
): Record<string, string> {
  const isForHere = (name: string): boolean =>
    divertedHeaders === undefined || fences[api](name) || !isDivertedHeader(name, headers, divertedHeaders)
  return Object.fromEntries(Object.entries(headers).filter(([name]) => ofCaller(name) && isForHere(name)))
}

/** A fetch hands over decoded bytes, so what described the encoded ones no longer holds. */
function responseHeaders(headers: Headers): ResponseHeaders {
  const read: Record<string, string | string[]> = {}
  const decoded = headers.has('content-encoding')
  for (const [name, value] of headers) {
    if (decoded && (name === 'content-encoding' || name === 'content-length')) continue
    if (name !== 'set-cookie') read[name] = value
  }
  const cookies = headers.getSetCookie()
  if (cookies.length > 0) read['set-cookie'] = cookies
  return read
}
