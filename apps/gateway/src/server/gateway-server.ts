import type { IncomingMessage } from 'node:http'
import type { TlsOptions } from 'node:tls'
import { systemClock } from '@spillway/middleware'
import { backgroundClock, LinkedList, newCallId } from '@spillway/middleware/kit'
import { type AccessRules, openAccess } from '../access/access.ts'
import { TrustedProxies } from '../access/trusted-proxies.ts'
import type { Http2Limits } from '../http2/http2-limits.ts'
import { EventLoopDelay } from '../shedding/event-loop-delay.ts'
import {
  LoadShedder,
  type ShedCounts,
  type SheddingLimits,
  type SheddingSignal,
  sheddingLimits,
} from '../shedding/load-shedder.ts'
import { type ServerBounds, serverBounds } from './bounds.ts'
import type { BodyReading } from './call-body.ts'
import { hasCallId } from './call-paths.ts'
import { dispatch, type Served } from './dispatch.ts'
import type { GatewayRequest } from './gateway-request.ts'
import type { GatewayResponse } from './gateway-response.ts'
import { openHttpServer } from './http-server.ts'
import { InFlightBytes } from './in-flight-bytes.ts'
import { callerError, guessProtocol, refuse, refusedRequest } from './refusal.ts'
import { StallWatch } from './stall-watch.ts'

/** A gateway that listens. */
export interface GatewayServer {
  /** `http://HOST:PORT`, with the port that it really has. */
  readonly url: string
  /**
   * `/readyz` answers 503 from now on, so that load balancers send calls elsewhere, and each answer ends its connection. Calls are served
   * as before.
   */
  leave(): void
  /**
   * Takes no more connections and waits for the calls in flight, at most `ms` milliseconds; then closes what is
   * left.
   */
  drain(ms: number): Promise<void>
  /**
   * The same while others go on at this address: `/readyz` does not turn. Connections that are open and idle are closed after a moment, or
   * with the answer to their next request.
   */
  handOver(ms: number): Promise<void>
  /** Goes on with other hosts, origins, comments on streams and bounds, but for that of headers. */
  use(
    settings: Pick<
      ListenOptions,
      'allowedHosts' | 'allowedOrigins' | 'bounds' | 'keepAliveAfter' | 'shedding' | 'trustProxy'
    >,
  ): void
  /** Shows another certificate to those who connect from now on. */
  setSecureContext(context: TlsOptions): void
  /** What it holds now, and whom it has turned away so far. */
  load(): ServerLoad
}

/** What a server holds, and how often it has kept its bounds. */
export interface ServerLoad {
  /** Bytes of requests. */
  readonly requestBytes: number
  readonly connections: number
  /** Requests and connections that were refused or cut, by the bound. */
  readonly turnedAway: Readonly<
    Record<'maxInFlightBytes' | 'maxConnections' | 'stallTimeout' | 'bodyTimeout' | 'tls', number>
  >
  /** Calls in flight. */
  readonly calls: LoadShedder['inFlight']
  /** How much of each limit is used by which calls are shed, 0 to 1 and above. */
  readonly pressure: Readonly<Record<SheddingSignal, number>>
  readonly shed: ShedCounts
  /** Which calls are being shed. */
  readonly shedding: LoadShedder['shedding']
}

export interface ListenOptions extends Served, AccessRules {
  /** 0 picks a free one. */
  readonly port: number
  /** Told of errors of the gateway itself. Must not throw. */
  readonly log: (line: string) => void
  /** Certificate, key and what else TLS needs. @default without TLS */
  readonly tls?: TlsOptions | undefined
  /** @default HTTP/1.1 alone */
  readonly http2?: Http2Limits | undefined
  /** Proxies that are believed, as `server.trustProxy` has them. */
  readonly trustProxy?: readonly string[] | undefined
  /** When calls are shed. @default see `sheddingDefaults` */
  readonly shedding?: { readonly [K in keyof SheddingLimits]?: number | undefined } | undefined
  /** What clients can make the server hold. @default see `boundDefaults` */
  readonly bounds?: { readonly [K in keyof ServerBounds]?: number | undefined } | undefined
}

/**
 * Starts to listen.
 * @throws the system's error, with `code` `EADDRINUSE` for instance
 */
export async function listenGateway(options: ListenOptions): Promise<GatewayServer> {
  let draining = false
  let leaving = false
  let handingOver = false
  const bounds = serverBounds(options.bounds)
  const bodies = {
    inFlight: new InFlightBytes(bounds.maxInFlightBytes, systemClock),
    bodyStalls: new StallWatch(bounds.bodyTimeout, backgroundClock),
    bodyTimeout: bounds.bodyTimeout,
    maxRequestBytes: bounds.maxRequestBytes,
    maxResponseBytes: bounds.maxResponseBytes,
  }
  const shedder = new LoadShedder({
    limits: sheddingLimits(options.shedding),
    clock: backgroundClock,
    loop: new EventLoopDelay(backgroundClock),
    requestBytes: () => bodies.inFlight.used / bodies.inFlight.max,
    log: options.log,
  })
  const handling = { ...options, bodies, shedder }
  const inFlight = new LinkedList<GatewayResponse>()
  let access = openAccess(options)
  let proxies = new TrustedProxies(options.trustProxy)
  const serve = (req: GatewayRequest, res: GatewayResponse): void => {
    req.origin = proxies.originOf(req)
    // Streams of HTTP/2 share one.
    const isOwnConnection = req.httpVersionMajor < 2
    const place = inFlight.add(res)
    res.on('close', () => {
      inFlight.delete(place)
      // Its client may want to use the connection again, which would keep the server from closing.
      if (draining && isOwnConnection) req.socket.destroySoon()
    })
    res.on('finish', () => {
      if (!isOwnConnection) return
      if (!req.complete) linger(req, bodies)
      // A refusal before the end of a request has taken the connection for one that stays.
      else if (res.shouldKeepAlive && closes(req)) req.socket.end()
    })
    // After a body that was not asked for, the rest of the connection is undefined: `readCallBody` asks for it.
    if (isOwnConnection && (leaving || handingOver || req.headers.expect !== undefined))
      res.setHeader('connection', 'close')
    const { refusal, headers, isPreflight, url } = access.judge(req)
    res.browserHeaders = headers
    // Whoever reads on sees a path, also where the request names a whole URL.
    req.url = url
    if (hasCallId(url) && !isPreflight) res.callId = newCallId(systemClock.epoch())
    if (refusal !== undefined || isPreflight) {
      // The same after a head that others may read differently.
      const isLast = refusal?.status === 400
      if (refusal === undefined) res.writeHead(204).end()
      else {
        refuse(res, guessProtocol(req), refusal, isLast ? { connection: 'close' } : {})
        options.onRefused?.(refusedRequest(res, refusal, res.callId))
      }
      return void req.resume()
    }
    dispatch(req, res, handling, leaving).catch((error: unknown) => {
      // The client has left, or the body of its request broke off: there is no one to answer.
      if (res.destroyed || res.headersSent || !req.complete) return void res.destroy()
      const call = res.callId === undefined ? '' : ` at the call ${res.callId}`
      options.log(`the gateway failed${call}: ${(error as Error)?.stack ?? error}`)
      refuse(res, guessProtocol(req), {
        ...callerError('server', 'the gateway failed', 500),
        scope: 'endpoint',
      })
    })
  }
  const readerStalls = new StallWatch(bounds.stallTimeout, backgroundClock)
  const server = await openHttpServer({
    ...{ host: options.host, port: options.port, bounds, serve, inFlight },
    ...{ tls: options.tls, http2: options.http2, stalls: readerStalls },
  })
  return {
    url: server.url,
    setSecureContext: (context) => server.setSecureContext(context),
    leave() {
      leaving = true
      server.leave()
    },
    async handOver(ms) {
      handingOver = true
      await server.handOver(lastRequests)
      draining = true
      await server.drain(ms)
      shedder.close()
    },
    async drain(ms) {
      leaving = true
      draining = true
      await server.drain(ms)
      shedder.close()
    },
    use({ allowedHosts, allowedOrigins, bounds: set, keepAliveAfter, shedding, trustProxy }) {
      proxies = new TrustedProxies(trustProxy)
      shedder.limits = sheddingLimits(shedding)
      access = openAccess({ host: options.host, allowedHosts, allowedOrigins })
      handling.keepAliveAfter = keepAliveAfter
      const next = serverBounds(set)
      bodies.maxRequestBytes = next.maxRequestBytes
      bodies.maxResponseBytes = next.maxResponseBytes
      bodies.inFlight.max = next.maxInFlightBytes
      bodies.bodyTimeout = next.bodyTimeout
      bodies.bodyStalls.use(next.bodyTimeout)
      readerStalls.use(next.stallTimeout)
      server.use(next)
    },
    load: () => ({
      requestBytes: bodies.inFlight.used,
      connections: server.connections,
      turnedAway: {
        maxInFlightBytes: bodies.inFlight.refused,
        maxConnections: server.dropped,
        tls: server.failedHandshakes,
        stallTimeout: readerStalls.stalled,
        bodyTimeout: bodies.bodyStalls.stalled,
      },
      calls: shedder.inFlight,
      pressure: shedder.pressure(),
      shed: shedder.shed,
      shedding: shedder.shedding,
    }),
  }
}

/**
 * How long an idle connection may still bring a request when others have taken over, in milliseconds: a client that is about to use it would
 * see it closed under its request.
 */
const lastRequests = 5_000

/** How long the rest of a body may still arrive when it has been answered, in milliseconds, before the connection goes. */
const lingering = 10_000

/**
 * Reads what is left of a body and throws it away, for a while: a client that is still writing would not see the answer
 * to a connection that is closed meanwhile.
 */
function linger(req: IncomingMessage, { bodyTimeout }: BodyReading): void {
  const cancel = systemClock.setTimer(Math.min(lingering, bodyTimeout), () => req.socket.destroy())
  req.on('close', cancel)
  req.on('end', () => {
    if (closes(req)) req.socket.end()
  })
  req.resume()
}

/** Whether the client sends no more requests on this connection. */
const closes = ({ httpVersion, headers }: IncomingMessage): boolean =>
  httpVersion !== '1.1' || /\bclose\b/i.test(headers.connection ?? '')
