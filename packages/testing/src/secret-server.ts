import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** Something that goes wrong with one request to a simulated KMS or transit server. */
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

/** What a simulated KMS or transit server has in common with the other. */
export interface SecretServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
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

/** What a site answers: JSON. */
export interface SecretAnswer {
  readonly status: number
  readonly json?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** What makes a server one vendor's. */
export interface SecretSite {
  answer(request: SecretRequest): SecretAnswer
  throttled(): SecretAnswer
  internal(): SecretAnswer
}

/** Starts a server for a site. */
export async function startSecretServer(site: SecretSite, port: number): Promise<SecretServer> {
  const sockets = new Set<Socket>()
  const queue: SecretServerFault[] = []
  let standing: SecretServerFault | undefined

  const give = (response: ServerResponse, { status, json, headers }: SecretAnswer): void => {
    const body = json === undefined ? '' : JSON.stringify(json)
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
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => respond(requestOf(incoming, Buffer.concat(chunks)), response))
  })
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
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
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
