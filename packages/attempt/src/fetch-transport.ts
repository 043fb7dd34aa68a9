import type { Api, ModelRequest } from '@spillway/middleware'
import { type HeaderFence, headerFence } from '@spillway/wire'
import { isDivertedHeader, isTransportError } from '@spillway/wire/internal'
import { quietly } from './call-body.ts'
import { chunkBytes } from './chunk-bytes.ts'
import type { Fetch } from './fetch-call.ts'
import { checkedResponse, fetchFacts, responseChunks, responseHeaders } from './fetched-response.ts'
import { fetchArguments, type GivenCall } from './given-call.ts'
import type { Transport, TransportSink } from './transport.ts'

declare module '@spillway/middleware' {
  interface RequestContext {
    /** What the caller gave its `fetch`, with options such as `dispatcher`; for the target that was called alone. */
    readonly fetchCall?: GivenCall | undefined
  }
}

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
  readonly callerCredential?: boolean
}

/**
 * Carries an attempt over any `fetch`, to the URL that the request names, with all its headers. Of a call to a
 * fallback, or to the candidate of a mirror, the caller meant its headers for another target: of those only the ones go
 * that the protocol defines, and no credential. What a middleware of this target has put in goes.
 *
 * What a `fetch` throws that is no failure of the network is an error of the program: the handler rejects with it.
 * @throws RangeError for `forwardHeaders` that never go upstream; TypeError for a `fetch` that is no function
 */
export function fetchTransport(fetch: Fetch, options: FetchTransportOptions = {}): Transport {
  mustBeFetch(fetch)
  return transportOver(() => fetch, options)
}

/** {@link fetchTransport} over the `fetch` that each request has. */
export function transportOver(
  fetchOf: (request: ModelRequest) => Fetch,
  options: FetchTransportOptions = {},
): Transport {
  const { forwardHeaders, callerCredential: credentials = false } = options
  const fences = {
    anthropic: headerFence('anthropic', 'anthropic', { forwardHeaders, credentials }),
    openai: headerFence('openai', 'openai', { forwardHeaders, credentials }),
    responses: headerFence('openai', 'responses', { forwardHeaders, credentials }),
  }
  return (request, sink) => {
    const exchange = new FetchExchange(fetchOf(request), request, sink, fences)
    void exchange.run()
    return exchange
  }
}

/** What the language throws at a mistake in a program. */
function isOfProgram(error: unknown): boolean {
  return error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError
}

/** @throws TypeError for anything but a function */
export function mustBeFetch(fetch: unknown): void {
  if (typeof fetch === 'function') return
  throw new TypeError(`a fetch function is needed, such as globalThis.fetch, but ${typeof fetch} was given`)
}

class FetchExchange {
  readonly #fetch: Fetch
  readonly #request: ModelRequest
  readonly #sink: TransportSink
  readonly #fences: Readonly<Record<Api, HeaderFence>>
  readonly #controller = new AbortController()
  #chunks: AsyncIterator<unknown> | undefined
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
    const { url, body, context } = this.#request
    const { signal } = this.#controller
    let isAnswered = false
    try {
      // It was made for the endpoint that was called: with a client certificate, a proxy.
      const given = context.divertedHeaders === undefined ? context.fetchCall : undefined
      const headers = outgoingHeaders(this.#request, this.#fences, given)
      // Called as a plain function: the fetch of browsers refuses to be anyone's method.
      const fetch = this.#fetch
      const args = fetchArguments({ fetch, url, headers, body, signal }, given)
      const response = checkedResponse(await fetch(...args))
      this.#chunks = responseChunks(response)
      if (signal.aborted) return this.#endChunks()
      isAnswered = true
      this.#sink.headers(response.status, responseHeaders(response.headers), fetchFacts(response))
      if (this.#chunks !== undefined) await this.#read(this.#chunks)
      if (!signal.aborted) this.#sink.end()
    } catch (error) {
      if (signal.aborted) return
      // A body breaks off in more ways than anyone has listed.
      if (isTransportError(error) || (isAnswered && !isOfProgram(error))) this.#sink.error(error)
      else this.#sink.fault(error)
    }
  }

  async #read(chunks: AsyncIterator<unknown>): Promise<void> {
    for (;;) {
      if (this.#resumed !== undefined) await this.#resumed.promise
      const { done, value } = await chunks.next()
      if (done || this.#controller.signal.aborted) return
      this.#sink.data(chunkBytes(value))
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
    this.#endChunks()
    this.resume()
  }

  /** Not every fetch heeds the signal to the end. */
  #endChunks(): void {
    quietly(() => this.#chunks?.return?.())
  }
}

/** All but what is meant for Spillway alone, and the length of a body that was replaced. */
function outgoingHeaders(
  { api, body, context: { divertedHeaders }, headers }: ModelRequest,
  fences: Readonly<Record<Api, HeaderFence>>,
  given: GivenCall | undefined,
): Record<string, string> {
  const isSameBody = body === given?.readBody
  const ofCaller = (name: string): boolean =>
    (isSameBody || name !== 'content-length') && !name.startsWith('x-spillway-')
  const isForHere = (name: string): boolean =>
    divertedHeaders === undefined || fences[api](name) || !isDivertedHeader(name, headers, divertedHeaders)
  return Object.fromEntries(Object.entries(headers).filter(([name]) => ofCaller(name) && isForHere(name)))
}
