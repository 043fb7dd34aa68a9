import { once } from 'node:events'
import { createServer, type IncomingMessage, request as openRequest, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'

export interface ConnectProxyOptions {
  /**
   * The hosts that there are behind the proxy, and the servers that simulate them: `{ 'api.anthropic.com': claude.url }`.
   * Others cannot be reached.
   */
  readonly hosts: Readonly<Record<string, string>>
  /** With a certificate for those hosts it ends TLS itself and reads along, as the proxies of companies do. */
  readonly certificate?: { readonly key: string; readonly cert: string } | undefined
  /** `user:password` that it wants to see. */
  readonly credentials?: string | undefined
}

/** One request that came through the proxy, as far as it can see it. */
export interface ProxiedRequest {
  readonly host: string
  readonly method: string
  readonly path: string
}

export interface ConnectProxy extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string
  /** The authorities of all tunnels that were asked for. */
  readonly tunnels: readonly string[]
  /** Requests that it could read: those in the clear, and those inside of tunnels where it ends TLS. */
  readonly requests: readonly ProxiedRequest[]
  /** How it answers the next tunnels: with a status, or never. */
  next(fault: { readonly status: number } | 'hangs'): void
  close(): Promise<void>
}

/**
 * A proxy of HTTP as at the edge of a company's network: `CONNECT` for https, whole URLs for http; it may want a password, and
 * read along with its own certificate.
 */
export async function startConnectProxy(options: ConnectProxyOptions): Promise<ConnectProxy> {
  const { hosts, certificate, credentials } = options
  const context = certificate && createSecureContext(certificate)
  const tunnels: string[] = []
  const requests: ProxiedRequest[] = []
  const faults: ({ readonly status: number } | 'hangs')[] = []
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
  }
  const isAllowed = ({ headers }: IncomingMessage): boolean =>
    credentials === undefined ||
    headers['proxy-authorization'] === `Basic ${Buffer.from(credentials).toString('base64')}`

  const forward = (host: string, path: string, request: IncomingMessage, response: ServerResponse): void => {
    requests.push({ host, method: request.method ?? '', path })
    const to = hosts[host.replace(/:\d+$/, '')]
    if (to === undefined) return void response.writeHead(502).end('no such host')
    const { 'proxy-authorization': _, 'proxy-connection': __, ...headers } = request.headers
    const onward = openRequest(new URL(path, to), { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      answer.pipe(response)
      answer.on('error', () => response.destroy())
    })
    onward.on('error', () => response.destroy())
    response.on('close', () => onward.destroy())
    request.pipe(onward)
  }

  /** What is inside of tunnels. */
  const inner = createServer((request, response) => {
    forward(request.headers.host ?? '', request.url ?? '/', request, response)
  })
  const server = createServer((request, response) => {
    if (!isAllowed(request)) return void response.writeHead(407).end()
    const url = URL.parse(request.url ?? '')
    if (url === null) return void response.writeHead(400).end()
    forward(url.host, url.pathname + url.search, request, response)
  })
  server.on('connection', keep)
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    const authority = request.url ?? ''
    tunnels.push(authority)
    const fault = faults.shift()
    if (fault === 'hangs') return
    const to = hosts[authority.replace(/:\d+$/, '')]
    const status = !isAllowed(request) ? 407 : (fault?.status ?? (to === undefined ? 502 : 200))
    if (status !== 200) return void socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`)
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
    if (context !== undefined) {
      const secure = new TLSSocket(socket, { isServer: true, secureContext: context })
      secure.on('error', () => socket.destroy())
      return void inner.emit('connection', secure)
    }
    const { hostname, port } = new URL(to as string)
    const onward = connect(Number(port), hostname)
    keep(onward)
    onward.on('close', () => socket.destroy())
    socket.on('close', () => onward.destroy())
    socket.pipe(onward).pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    inner.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tunnels,
    requests,
    next: (fault) => void faults.push(fault),
    close,
    [Symbol.asyncDispose]: close,
  }
}
