import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'

/** Answers below `/api` with JSON, which no cache keeps. */
export function sendJson(
  res: ServerResponse,
  status: number,
  value: unknown,
  headers: OutgoingHttpHeaders = {},
): void {
  const body = Buffer.from(`${JSON.stringify(value)}\n`)
  sendBytes(res, status, body, { 'content-type': 'application/json', ...headers })
}

/** The same with an error, in the one shape that all of `/api` has. */
export function sendError(
  res: ServerResponse,
  status: number,
  message: string,
  headers: OutgoingHttpHeaders = {},
): void {
  sendJson(res, status, { error: { status, message } }, headers)
}

export function sendBytes(
  res: ServerResponse,
  status: number,
  body: Buffer,
  headers: OutgoingHttpHeaders,
): void {
  if (res.destroyed || res.headersSent) return
  res.writeHead(status, {
    'content-length': body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  })
  res.end(body)
}
