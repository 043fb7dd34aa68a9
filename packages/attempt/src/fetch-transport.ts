import type { ModelRequest, RequestHeaders, ResponseHeaders } from '@spillway/middleware'
import type { Fetch } from './fetch-call.ts'
import type { Transport, TransportSink } from './transport.ts'

/** Carries an attempt over any `fetch`, to the URL that the request names. */
export function fetchTransport(fetch: Fetch): Transport {
  return (request, sink) => {
    const exchange = new FetchExchange(fetch, request, sink)
    void exchange.run()
    return exchange
  }
}

class FetchExchange {
  readonly #fetch: Fetch
  readonly #request: ModelRequest
  readonly #sink: TransportSink
  readonly #controller = new AbortController()
  #resumed: PromiseWithResolvers<void> | undefined

  constructor(fetch: Fetch, request: ModelRequest, sink: TransportSink) {
    this.#fetch = fetch
    this.#request = request
    this.#sink = sink
  }

  async run(): Promise<void> {
    const { url, headers, body } = this.#request
    const { signal } = this.#controller
    try {
      const init = {
        method: 'POST',
        headers: outgoingHeaders(headers),
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

/** Less what is meant for Spillway alone, and the length of a body that may have been replaced. */
function outgoingHeaders(headers: RequestHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name !== 'content-length' && !name.startsWith('x-spillway-')),
  )
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
