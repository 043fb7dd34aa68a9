import { type IncomingHttpHeaders, request } from 'node:http'

/** What came back, byte for byte, and how it ended. */
export interface RawResponse {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
  /** When each piece came, in milliseconds after the request. */
  readonly pieces: readonly { readonly at: number; readonly bytes: number }[]
  readonly headersAt: number | undefined
  /** `end` when the response ended as HTTP wants it, else the error's code. */
  readonly ended: string
}

/** Sends one request over a new connection and accepts whatever comes. */
export function raw(
  url: string,
  init: { method?: string; headers?: Record<string, string>; body?: unknown; signal?: AbortSignal } = {},
): Promise<RawResponse> {
  const start = performance.now()
  const pieces: { at: number; bytes: number }[] = []
  const chunks: Buffer[] = []
  return new Promise((resolve) => {
    let status: number | undefined
    let headers: IncomingHttpHeaders = {}
    let headersAt: number | undefined
    const finish = (ended: string): void => {
      const body = Buffer.concat(chunks)
      resolve({ status, headers, body, text: body.toString('utf8'), pieces, headersAt, ended })
    }
    const payload = typeof init.body === 'string' ? init.body : JSON.stringify(init.body)
    const outgoing = request(url, {
      method: init.method ?? (payload === undefined ? 'GET' : 'POST'),
      headers: { 'content-type': 'application/json', connection: 'close', ...init.headers },
      ...(init.signal === undefined ? {} : { signal: init.signal }),
    })
    outgoing.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message))
    outgoing.on('response', (response) => {
      status = response.statusCode
      headers = response.headers
      headersAt = performance.now() - start
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        pieces.push({ at: performance.now() - start, bytes: chunk.length })
      })
      response.on('end', () => finish('end'))
      response.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message))
    })
    outgoing.end(payload)
  })
}

/** The objects in the `data:` lines of an event stream. */
export function events(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: ') && line !== 'data: [DONE]')
    .map((line) => JSON.parse(line.slice(6)))
}

/** A small Messages request. */
export const messagesBody = {
  model: 'claude-opus-5-5',
  max_tokens: 100,
  messages: [{ role: 'user', content: 'Hello' }],
}

/** Headers that the simulated Claude lets in. */
export const claudeHeaders = { 'x-api-key': 'sk-test', 'anthropic-version': '2023-06-01' }
