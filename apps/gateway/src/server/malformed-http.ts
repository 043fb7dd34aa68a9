import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { systemClock } from '@spillway/middleware'
import { newCallId } from '@spillway/middleware/kit'

const answers: Readonly<Record<string, readonly [status: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'the request headers are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'the request did not arrive in time'],
}

/**
 * What the HTTP parser refuses never becomes a request, so the answer is written by hand; unless an answer to an
 * earlier request is on its way to the same client, which must not be mixed with it.
 */
export function refuseMalformedHttp(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  inFlight: Iterable<ServerResponse>,
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  for (const response of inFlight) {
    if (response.req.socket === socket && response.headersSent) return void socket.destroy()
  }
  socket.end(malformedHttpAnswer(error.code))
}

/** The whole answer, as bytes on the wire; in Anthropic's form, since the request is unknown. */
export function malformedHttpAnswer(code: string | undefined): string {
  const [status, message] = answers[code ?? ''] ?? ['400 Bad Request', 'the request is not valid HTTP']
  const error = { type: 'invalid_request_error', message }
  const body = JSON.stringify({ type: 'error', error, request_id: null })
  const headers = [
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    'x-content-type-options: nosniff',
    'cross-origin-resource-policy: same-origin',
    // It may have been a call.
    `x-spillway-call-id: ${newCallId(systemClock.epoch())}`,
  ]
  return [`HTTP/1.1 ${status}`, ...headers, '', body].join('\r\n')
}
