import { createServer, type Server, type ServerOptions } from 'node:http'
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net'
import type { TlsOptions } from 'node:tls'
import type { Http2Limits } from '../http2/http2-limits.ts'
import type { Http2Server } from '../http2/http2-server.ts'
import { sniff } from '../http2/sniff.ts'
import type { ServerBounds } from './bounds.ts'
import { followConnections } from './connections.ts'
import { GatewayRequest } from './gateway-request.ts'
import { GatewayResponse } from './gateway-response.ts'
import { refuseMalformedHttp } from './malformed-http.ts'
import type { StallWatch } from './stall-watch.ts'

export interface HttpServerOptions {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  readonly bounds: ServerBounds
  readonly serve: (req: GatewayRequest, res: GatewayResponse) => void
  /** Undefined: without TLS. */
  readonly tls: TlsOptions | undefined
  /** Undefined: HTTP/1.1 alone. */
  readonly http2: Http2Limits | undefined
  /** Watches over readers. */
  readonly stalls: StallWatch
  /** Of all connections. */
  readonly inFlight: Iterable<GatewayResponse>
}

/** Listens, and speaks what its clients do. */
export interface HttpServer {
  readonly url: string
  readonly connections: number
  /** Connections that were turned away because there were too many. */
  readonly dropped: number
  /** Connections that came to no agreement on TLS. */
  readonly failedHandshakes: number
  use(bounds: ServerBounds): void
  /** Asks clients of HTTP/2, whose connections last, to open others elsewhere. All are served until `drain`. */
  leave(): void
  /**
   * Takes no more connections, and serves those that are open; resolves when all are closed, or after `ms` milliseconds. Another process has
   * the address.
   */
  handOver(ms: number): Promise<void>
  /** Takes no more connections; resolves when all are closed, which idle ones are at once and the others after `ms` milliseconds. */
  drain(ms: number): Promise<void>
  /** Shows another certificate to those who connect from now on. */
  setSecureContext(context: TlsOptions): void
}

/**
 * Starts to listen.
 * @throws the system's error, with `code` `EADDRINUSE` for instance
 */
export async function openHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { serve, tls, stalls, inFlight } = options
  let { bounds } = options
  const settings = serverOptions(bounds)
  const secure =
    tls &&
    (await import('node:https')).createServer<typeof GatewayRequest, typeof GatewayResponse>(
      {
        ...settings,
        ...tls,
        handshakeTimeout: Math.min(bounds.headersTimeout, 0x7fff_ffff),
        ALPNProtocols: options.http2 === undefined ? ['http/1.1'] : ['h2', 'http/1.1'],
      },
      serve,
    )
  const server: Server<typeof GatewayRequest, typeof GatewayResponse> =
    secure ?? createServer(settings, serve)
  // Who asks first whether to send a body is answered when it is admitted and there is capacity for it.
  server.on('checkContinue', serve)
  server.on('clientError', (error, socket) => {
    // Without TLS that both agree on there is nothing to answer with.
    if (!connections.open.has(socket as Socket)) return void socket.destroy()
    refuseMalformedHttp(error, socket, inFlight)
  })
  let failedHandshakes = 0
  server.on('tlsClientError', () => failedHandshakes++)
  let http2: Http2Server | undefined
  let ending: 'leave' | 'drain' | undefined
  const http2Sockets = new WeakSet<Socket>()
  const openHttp2 = async (limits: Http2Limits): Promise<Http2Server> => {
    const module = await import('../http2/http2-server.ts')
    if (http2 === undefined) {
      http2 = module.openHttp2({ serve, limits, stalls, bounds: () => bounds })
      if (ending !== undefined) http2[ending]()
    }
    return http2
  }
  if (options.http2 !== undefined) speakBoth(options.http2)
  const connections = followConnections(
    server,
    stalls,
    secure === undefined ? 'connection' : 'secureConnection',
  )
  const use = (next: ServerBounds): void => {
    bounds = next
    server.maxConnections = next.maxConnections
    // Of several workers the primary would otherwise ask one after the other, again and again.
    Object.assign(server, { dropMaxConnection: true })
    server.keepAliveTimeout = next.keepAliveTimeout
  }
  use(bounds)
  if (secure !== undefined && options.http2 !== undefined) await openHttp2(options.http2)
  await listen(server, options.host, options.port)
  const { address, port } = server.address() as AddressInfo
  let closed: Promise<void> | undefined
  return {
    url: `${secure === undefined ? 'http' : 'https'}://${address.includes(':') ? `[${address}]` : address}:${port}`,
    get connections() {
      return connections.open.size
    },
    get dropped() {
      return connections.dropped
    },
    get failedHandshakes() {
      return failedHandshakes
    },
    use,
    setSecureContext: (context) => secure?.setSecureContext(context),
    leave,
    async handOver(ms) {
      leave()
      const late = Promise.withResolvers<void>()
      const timer = setTimeout(late.resolve, ms)
      await Promise.race([stop(), late.promise])
      clearTimeout(timer)
    },
    async drain(ms) {
      ending = 'drain'
      const closed = stop()
      const busy = new Set([...inFlight].map(({ req }) => req.socket))
      http2?.drain()
      for (const socket of connections.open)
        if (!busy.has(socket) && !http2Sockets.has(socket)) socket.destroySoon()
      for (const socket of connections.opening) socket.destroy()
      const timer = setTimeout(() => {
        http2?.cut()
        for (const socket of connections.open) socket.destroy()
      }, ms)
      await closed
      clearTimeout(timer)
      server.close()
    },
  }

  function leave(): void {
    ending ??= 'leave'
    http2?.leave()
  }

  function stop(): Promise<void> {
    // HTTP's own `close` would also cut answers that are written and still on their way to a slow client.
    closed ??= new Promise((resolve) => NetServer.prototype.close.call(server, () => resolve()))
    return closed
  }

  /** What a connection speaks is agreed on with TLS, and without it shows in its first bytes. */
  function speakBoth(limits: Http2Limits): void {
    const event = secure === undefined ? 'connection' : 'secureConnection'
    const http1 = server.listeners(event)[0] as (socket: Socket) => void
    const asHttp1 = (socket: Socket): void => http1.call(server, socket)
    const asHttp2 = (socket: Socket): void => {
      http2Sockets.add(socket)
      if (http2 !== undefined) return http2.take(socket)
      void openHttp2(limits).then(
        (opened) => opened.take(socket),
        () => socket.destroy(),
      )
    }
    server.removeListener(event, http1)
    server.on(event, (socket: Socket & { readonly alpnProtocol?: string | false | null }) => {
      if (secure !== undefined) return socket.alpnProtocol === 'h2' ? asHttp2(socket) : asHttp1(socket)
      sniff(socket, {
        ...{ http1: asHttp1, http2: asHttp2, timeout: () => bounds.headersTimeout },
        late: (late) => refuseMalformedHttp({ code: 'ERR_HTTP_REQUEST_TIMEOUT' } as never, late, inFlight),
      })
    })
  }
}

/** Requests have no time limit as such: their headers have one, and their bodies must get on. */
function serverOptions({
  headersTimeout,
}: ServerBounds): ServerOptions<typeof GatewayRequest, typeof GatewayResponse> {
  return {
    IncomingMessage: GatewayRequest,
    ServerResponse: GatewayResponse,
    // Refused in the caller's words.
    requireHostHeader: false,
    requestTimeout: 0,
    headersTimeout,
    connectionsCheckingInterval: Math.min(30_000, Math.max(1, headersTimeout / 2)),
    // Finds clients that have vanished while nothing is written to them.
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
  }
}

function listen(server: NetServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
