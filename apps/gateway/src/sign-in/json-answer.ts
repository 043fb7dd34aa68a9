import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'

/** What a program is answered, as JSON. */
export interface Answer {
  readonly status: number
  readonly body: object
  readonly headers?: OutgoingHttpHeaders
}

/** An error as OAuth words it. */
export const failed = (
  status: number,
  error: string,
  description?: string,
  headers?: OutgoingHttpHeaders,
): Answer => ({
  status,
  body: { error, ...(description !== undefined && { error_description: description }) },
  ...(headers !== undefined && { headers }),
})

/** While the identity provider is unavailable. */
export const away: Answer = failed(503, 'temporarily_unavailable', 'the identity provider does not answer', {
  'retry-after': '10',
})

export function sendJson(res: ServerResponse, { status, body, headers }: Answer): void {
  if (res.headersSent || res.destroyed) return
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`)
  res.writeHead(status, {
    'content-type': 'application/json',
    'content-length': bytes.length,
    'cache-control': 'no-store',
    ...headers,
  })
  res.end(bytes)
}
