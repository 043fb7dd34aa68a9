import type { Transport, TransportHandle, TransportSink } from '@spillway/attempt'
import type { Api, ModelRequest } from '@spillway/middleware'
import { concatBytes, type ResponseHeaders } from '@spillway/middleware/kit'
import { type HeaderFence, type HeaderVenue, headerFence, normaliseBaseUrl, pathOf } from '@spillway/wire'
import { forwardedQuery } from '@spillway/wire/internal'
import type { Dispatcher } from 'undici'
import type { ConnectionPool } from './connection-pool.ts'
import { type Decoding, startDecoding } from './content-decoding.ts'
import { LentUpload, leastLent } from './lent-upload.ts'

/** Where requests go. */
export interface Place {
  readonly origin: string
  /** With the query. */
  pathAt(request: ModelRequest): string
}

/** The place of requests below a base URL. @param path where one goes there */
export function placeAt(baseUrl: string, path: (request: ModelRequest) => string = pathOf): Place {
  const { origin, pathname } = new URL(normaliseBaseUrl(baseUrl))
  const prefix = pathname.replace(/\/+$/, '')
  return { origin, pathAt: (request) => prefix + path(request) + forwardedQuery(request.url) }
}

/**
 * Carries attempts over undici's `dispatch`, the cheapest way that it offers, to an endpoint.
 * @param fence which of a request's headers go there, for each protocol
 * @param place where it goes
 */
export function undiciTransport(
  pool: ConnectionPool,
  { origin, pathAt }: Place,
  fence: Readonly<Record<Api, HeaderFence>>,
): Transport {
  return (request, sink) => {
    const { lent } = request.body
    // Over HTTP/2 it is not known when a piece has been written.
    const upload =
      lent !== undefined && lent.length >= leastLent && !pool.http2 ? new LentUpload(lent) : undefined
    const exchange = new UndiciExchange(sink, upload)
    const headers = outgoingHeaders(request, fence[request.api])
    // Of bytes undici knows it by itself.
    if (upload !== undefined) headers['content-length'] = String(lent?.length)
    exchange.start(pool.calls, {
      origin,
      path: pathAt(request),
      method: 'POST',
      headers,
      // undici's types lack the iterables that it takes.
      body: (upload as unknown as Uint8Array | undefined) ?? request.body.bytes,
    })
    return exchange
  }
}

function outgoingHeaders({ headers }: ModelRequest, passes: HeaderFence): Record<string, string> {
  const outgoing: Record<string, string> = {}
  for (const name in headers) if (passes(name)) outgoing[name] = headers[name] as string
  outgoing['content-type'] ??= 'application/json'
  outgoing['accept-encoding'] = 'identity'
  return outgoing
}

/**
 * Which headers go to an endpoint. Credentials do: what a request has here, authentication has put or left there.
 * @param signed names that a signer adds
 * @throws RangeError for `forwardHeaders` that never go upstream
 */
export function endpointFence(
  venue: HeaderVenue,
  forwardHeaders: readonly string[] | undefined,
  signed: readonly string[] = [],
): Readonly<Record<Api, HeaderFence>> {
  const options = { forwardHeaders: [...(forwardHeaders ?? []), ...signed], credentials: true }
  return {
    anthropic: headerFence(venue, 'anthropic', options),
    openai: headerFence(venue, 'openai', options),
    responses: headerFence(venue, 'responses', options),
  }
}

/** Interim responses (1xx) before the response itself: one a second for longer than any call takes. */
const mostInterims = 1_000

class UndiciExchange implements TransportHandle, Dispatcher.DispatchHandler {
  readonly #sink: TransportSink
  readonly #upload: LentUpload | undefined
  #controller: Dispatcher.DispatchController | undefined
  #decoding: Decoding | undefined
  #interims = 0
  #aborted: Error | undefined
  /** Of what was read from the connection at a time. */
  #pieces: Buffer[] | undefined

  constructor(sink: TransportSink, upload: LentUpload | undefined) {
    this.#sink = sink
    this.#upload = upload
  }

  start(dispatcher: Dispatcher, options: Dispatcher.DispatchOptions): void {
    dispatcher.dispatch(options, this)
  }

  get isLeaving(): boolean {
    return this.#controller === undefined
  }

  // What undici says.

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#aborted !== undefined) controller.abort(this.#aborted)
    else this.#sink.sent?.()
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return this.#onInterim()
    const encoding = headers['content-encoding']?.toString()
    if (encoding !== undefined && encoding !== 'identity') {
      this.#decoding = startDecoding(encoding, {
        data: (chunk) => this.#sink.data(chunk),
        end: () => this.#sink.end(),
        error: (error) => this.#breakOff(error),
      })
    }
    if (this.#decoding === undefined) return this.#sink.headers(status, headers as ResponseHeaders)
    const { 'content-encoding': _, 'content-length': __, ...decoded } = headers
    this.#sink.headers(status, decoded as ResponseHeaders)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#decoding !== undefined) return void this.#decoding.write(chunk)
    if (this.#pieces !== undefined) return void this.#pieces.push(chunk)
    this.#pieces = [chunk]
    queueMicrotask(this.#flush)
  }

  /**
   * Hands on as one what came as one, for speed: each piece of a chunked body, which is an event of a stream mostly, would be scanned, counted and
   * written by itself.
   */
  readonly #flush = (): void => {
    const pieces = this.#pieces
    if (pieces === undefined) return
    this.#pieces = undefined
    if (this.#aborted !== undefined) return
    try {
      this.#sink.data(concatBytes(pieces))
    } catch (error) {
      this.#breakOff(error)
    }
  }

  onResponseEnd(): void {
    this.#flush()
    if (this.#decoding === undefined) this.#sink.end()
    else this.#decoding.end()
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#upload?.failed()
    this.#flush()
    this.#decoding?.destroy()
    if (this.#aborted === undefined) this.#sink.error(error)
  }

  // What the attempt says.

  pause(): void {
    this.#controller?.pause()
    this.#decoding?.pause()
  }

  resume(): void {
    this.#controller?.resume()
    this.#decoding?.resume()
  }

  abort(reason: unknown): void {
    if (this.#aborted !== undefined) return
    this.#aborted = reason instanceof Error ? reason : new Error('the call was aborted', { cause: reason })
    this.#upload?.failed()
    this.#decoding?.destroy()
    this.#controller?.abort(this.#aborted)
  }

  /** A 1xx is a sign of life; a flood of them is not. */
  #onInterim(): void {
    if (++this.#interims !== mostInterims) return
    const error = new Error(`the upstream sent ${mostInterims} interim responses and no other`)
    this.#breakOff(Object.assign(error, { code: 'ERR_INTERIM_RESPONSES' }))
  }

  /** Goes no further: what has come makes no sense. */
  #breakOff(error: unknown): void {
    this.abort(error)
    this.#sink.error(error)
  }
}
