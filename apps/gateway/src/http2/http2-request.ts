import type { IncomingHttpHeaders } from 'node:http'
import {
  type IncomingHttpHeaders as Http2Headers,
  Http2ServerRequest,
  type ServerHttp2Stream,
} from 'node:http2'
import type { ReadableOptions } from 'node:stream'
import type { Origin } from '../access/trusted-proxies.ts'

/** A request over HTTP/2 that reads like one over HTTP/1.1: `:authority` is `host`, and other pseudo headers are not there. */
export class GatewayHttp2Request extends Http2ServerRequest {
  origin: Origin | undefined
  declare readonly complete: boolean

  constructor(
    stream: ServerHttp2Stream,
    headers: Http2Headers,
    options: ReadableOptions,
    rawHeaders: readonly string[],
  ) {
    super(stream, headers, options, rawHeaders)
    const plain: IncomingHttpHeaders = {}
    const raw: string[] = []
    const authority = headers[':authority']
    // Before all else: a `host` beside it that differs makes two of them.
    if (authority !== undefined) raw.push('host', authority)
    for (const name in headers) {
      if (!name.startsWith(':')) plain[name] = headers[name]
    }
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const [name = '', value = ''] = [rawHeaders[index], rawHeaders[index + 1]]
      if (name.startsWith(':') || (name === 'host' && value === authority)) continue
      raw.push(name, value)
    }
    if (authority !== undefined) plain.host = authority
    Object.defineProperties(this, {
      headers: { value: plain },
      rawHeaders: { value: raw },
      // Node says so of a request that was broken off, too.
      complete: {
        get: () => !stream.aborted && (stream.endAfterHeaders || this.readableEnded),
      },
    })
  }
}
