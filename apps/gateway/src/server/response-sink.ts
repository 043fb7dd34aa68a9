import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { type BodySink, concatBytes, type ResponseBody, type ResponseHeaders } from '@spillway/middleware'
import { isConnectionHeader } from './connection-headers.ts'
import { mayPass } from './upstream-headers.ts'

/** The headers of an upstream's response that may be passed on, and some of our own. */
export function responseHeaders(
  upstream: ResponseHeaders,
  own: Readonly<Record<string, string>>,
): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {}
  const connection = upstream.connection as string | string[] | undefined
  for (const name in upstream) {
    if (!mayPass(name) || isConnectionHeader(name, connection)) continue
    headers[name] = upstream[name] as string | string[]
  }
  for (const name in own) headers[name] = own[name]
  return headers
}

/** Writes a body that comes whole: status, headers and bytes in one go, with its length. */
export function sendWhole(
  res: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  body: ResponseBody,
): void {
  const chunks: Uint8Array[] = []
  body.pipe({
    write(chunk) {
      chunks.push(chunk)
      return true
    },
    end() {
      const bytes = concatBytes(chunks)
      headers['content-length'] = bytes.length
      res.writeHead(status, headers)
      endWith(res, bytes)
    },
    fail: (error) => void res.destroy(error instanceof Error ? error : undefined),
  })
}

/** How much of a large body is written at a time, in bytes. */
const piece = 256 * 1024

/** Ends a response with a body, at the pace of its client: only what is written piece by piece shows that it gets on. */
export function endWith(res: ServerResponse, bytes: Uint8Array): void {
  let at = 0
  const more = (): void => {
    while (bytes.length - at > piece) {
      const taken = res.write(bytes.subarray(at, at + piece))
      at += piece
      if (!taken) return
    }
    res.off('drain', more)
    res.end(bytes.subarray(at))
  }
  res.on('drain', more)
  more()
}

/** Writes a stream as it comes, at the pace of the client. */
export function sendStream(
  res: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  body: ResponseBody,
): void {
  delete headers['content-length']
  res.writeHead(status, headers)
  pipeStream(res, body)
}

/** The same for a response whose headers are gone. */
export function pipeStream(res: ServerResponse, body: ResponseBody): void {
  res.on('drain', () => body.resume())
  const sink: BodySink = {
    write: (chunk) => res.write(chunk),
    end: () => void res.end(),
    fail: (error) => void res.destroy(error instanceof Error ? error : undefined),
  }
  body.pipe(sink)
}
