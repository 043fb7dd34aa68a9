import type { OutgoingHttpHeaders } from 'node:http'
import { constants, Http2ServerResponse, type ServerHttp2Stream } from 'node:http2'
import { connectionHeaders } from '@spillway/wire/internal'
import { securityHeaders } from '../access/cors.ts'
import type { Client } from '../clients/client-directory.ts'
import { headersOfAnswer } from '../server/gateway-response.ts'
import type { Slot } from '../shedding/load-shedder.ts'
import type { GatewayHttp2Request } from './http2-request.ts'

/** What `GatewayResponse` is for HTTP/1.1. */
export class GatewayHttp2Response extends Http2ServerResponse<GatewayHttp2Request> {
  browserHeaders: OutgoingHttpHeaders = securityHeaders
  callId: string | undefined
  client: Client | undefined
  priority: number | undefined
  slot: Slot | undefined
  /** Of connections, which streams have not. */
  shouldKeepAlive = false
  #written = 0

  constructor(stream: ServerHttp2Stream) {
    super(stream)
    // Those that responses of Node have over HTTP/1.1 alone.
    Object.defineProperties(this, {
      destroyed: { get: () => stream.destroyed || stream.closed },
      closed: { get: () => stream.destroyed },
      // Node ends a stream that its client has reset.
      writableFinished: { get: () => stream.writableFinished && !stream.aborted },
    })
  }

  /** How much the client has taken; undefined while nothing waits for it. */
  get progress(): number | undefined {
    const waiting = this.stream.writableLength
    return waiting > 0 ? this.#written - waiting : undefined
  }

  override setHeader(name: string, value: number | string | readonly string[]): void {
    if (!connectionHeaders.has(name.toLowerCase())) super.setHeader(name, value)
  }

  override writeHead(status: number, ...rest: readonly unknown[]): this {
    const given = headersOfAnswer(this, rest.at(-1))
    const headers: OutgoingHttpHeaders = {}
    for (const name in given) if (!connectionHeaders.has(name.toLowerCase())) headers[name] = given[name]
    return super.writeHead(status, headers)
  }

  override write(chunk: string | Uint8Array, ...rest: never[]): boolean {
    this.#written += chunk.length
    return super.write(chunk, ...rest)
  }

  override end(...rest: never[]): this {
    const [chunk] = rest as unknown[]
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) this.#written += chunk.length
    return super.end(...rest)
  }

  /** Other than by ending it, a stream without an error would look whole. */
  override destroy(_error?: Error): this {
    if (!this.stream.closed) this.stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    return this
  }
}
