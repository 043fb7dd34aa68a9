import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { CallerProtocol } from '@spillway/attempt'
import type { Api, Failure, ResponseBody } from '@spillway/middleware'
import { type BodySink, concatBytes, type ResponseHeaders } from '@spillway/middleware/kit'
import { refusalFailure } from '@spillway/wire'
import { connectionHeaderTest } from './connection-headers.ts'
import { refuse } from './refusal.ts'
import { mayPass } from './upstream-headers.ts'

/** The headers of an upstream's response that may be passed on, and some of our own. */
export function responseHeaders(
  upstream: ResponseHeaders,
  own: Readonly<Record<string, string>>,
): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {}
  const isOfConnection = connectionHeaderTest(upstream.connection as string | string[] | undefined)
  for (const name in upstream) {
    if (!mayPass(name) || isOfConnection(name)) continue
    headers[name] = upstream[name] as string | string[]
  }
  for (const name in own) headers[name] = own[name]
  return headers
}

/** What is collected of an answer at most, in bytes, whatever it says that it is, where nothing else is set. */
const largestAnswer = 64 * 1024 * 1024

/**
 * Writes a body that comes whole: status, headers and bytes in one go, with its length. One that is larger than any answer
 * is given up, with an error in the protocol of the caller.
 */
export function sendWhole(
  res: ServerResponse,
  spoken: Api | CallerProtocol,
  status: number,
  headers: OutgoingHttpHeaders,
  body: ResponseBody,
  largest: number = largestAnswer,
): void {
  const chunks: Uint8Array[] = []
  let length = 0
  body.pipe({
    write(chunk) {
      length += chunk.length
      if (length <= largest) {
        chunks.push(chunk)
        return true
      }
      chunks.length = 0
      body.cancel()
      refuse(res, spoken, tooLarge(largest))
      return true
    },
    end() {
      const bytes = concatBytes(chunks)
      headers['content-length'] = bytes.length
      res.writeHead(status, headers)
      if (bytes.length <= small)
        res.end(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1'), 'latin1')
      else endWith(res, bytes)
    },
    fail: (error) => void res.destroy(error instanceof Error ? error : undefined),
  })
}

const tooLarge = (largest: number): Failure =>
  refusalFailure({
    kind: 'malformed',
    message: `the answer has more than ${largest} bytes`,
    scope: 'request',
  })

/** Up to so many bytes Node joins a body that is text to its head: one piece for the system instead of two, which is quicker. */
const small = 8 * 1024

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
