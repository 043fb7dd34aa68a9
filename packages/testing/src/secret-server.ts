import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

/** Something that goes wrong with one request to a simulated server that holds keys or gives out credentials. */
export type SecretServerFault =
  /** Too many requests, in the vendor's words. */
  | { readonly type: 'throttled' }
  /** An error of the server's own, in the vendor's words. */
  | { readonly type: 'internal' }
  /** No answer at all, until the client gives up. */
  | { readonly type: 'hang' }
  /** The connection is reset. */
  | { readonly type: 'reset' }
  /** Any answer. */
  | { readonly type: 'status'; readonly status: number; readonly body: string }

/** What simulated servers that hold keys or give out credentials have in common. */
export interface SecretServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, or with `https:` */
  readonly url: string
  /** Queues faults: each request takes one. */
  next(...faults: SecretServerFault[]): void
  /** The fault of every request for which none is queued; undefined for none. */
  always(fault: SecretServerFault | undefined): void
  /** Destroys all connections and stops. */
  close(): Promise<void>
}

/** A request as a site sees it. */
export interface SecretRequest {
  readonly method: string
  /** With the query, as it was sent. */
  readonly path: string
  /** Lower-case names; repeated headers joined by `, `. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** What a site answers: JSON, or a text whose `content-type` is among the headers. */
export interface SecretAnswer {
  readonly status: number
  readonly json?: unknown
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** What makes a server one vendor's. */
export interface SecretSite {
  answer(request: SecretRequest): SecretAnswer
  throttled(): SecretAnswer
  internal(): SecretAnswer
}

/** How a site is served. */
export interface SecretServing {
  /** Serves HTTPS, with this key and certificate. */
  readonly tls?: { readonly key: string; readonly cert: string } | undefined
  /** Milliseconds before each answer. */
  readonly delay?: () => number
}

/** Starts a server for a site. */
export async function startSecretServer(
  site: SecretSite,
  port: number,
  { tls, delay = () => 0 }: SecretServing = {},
): Promise<SecretServer> {
  const sockets = new Set<Socket>()
  const queue: SecretServerFault[] = []
  let standing: SecretServerFault | undefined

  const give = (response: ServerResponse, { status, json, text, headers }: SecretAnswer): void => {
    const body = text ?? (json === undefined ? '' : JSON.stringify(json))
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...headers,
    })
    response.end(body)
  }
  const respond = (request: SecretRequest, response: ServerResponse): void => {
    const fault = queue.shift() ?? standing
    switch (fault?.type) {
      case 'throttled':
        return give(response, site.throttled())
      case 'internal':
        return give(response, site.internal())
      case 'hang':
        return
      case 'reset':
        response.socket?.resetAndDestroy()
        return
      case 'status':
        response.writeHead(fault.status, { 'content-length': Buffer.byteLength(fault.body) })
        response.end(fault.body)
        return
    }
    give(response, site.answer(request))
  }
  const listener: RequestListener = (incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const request = requestOf(incoming, Buffer.concat(chunks))
      const ms = delay()
      if (ms <= 0) return respond(request, response)
      const timer = setTimeout(respond, ms, request, response)
      response.on('close', () => clearTimeout(timer))
    })
  }
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener)
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const close = (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const socket of sockets) socket.destroy()
    return closed
  }
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    next: (...faults) => void queue.push(...faults),
    always(fault) {
      standing = fault
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function requestOf(incoming: IncomingMessage, body: Buffer): SecretRequest {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return { method: incoming.method ?? 'GET', path: incoming.url ?? '/', headers, body }
}
