import { constants, createServer, type ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { ServerBounds } from '../server/bounds.ts'
import type { GatewayRequest } from '../server/gateway-request.ts'
import type { GatewayResponse } from '../server/gateway-response.ts'
import type { StallWatch } from '../server/stall-watch.ts'
import type { Http2Limits } from './http2-limits.ts'
import { GatewayHttp2Request } from './http2-request.ts'
import { GatewayHttp2Response } from './http2-response.ts'

export interface Http2Options {
  readonly serve: (req: GatewayRequest, res: GatewayResponse) => void
  readonly limits: Http2Limits
  readonly bounds: () => Pick<ServerBounds, 'keepAliveTimeout' | 'headersTimeout'>
  /** Watches over readers. */
  readonly stalls: StallWatch
}

/** Speaks HTTP/2 on connections that others have accepted. */
export interface Http2Server {
  take(socket: Socket): void
  /** Asks all clients to open no more streams here (GOAWAY). Those that are already on their way are served, and so is a connection that comes. */
  leave(): void
  /** The same, and connections close when their streams have ended. */
  drain(): void
  /** Resets what is left. */
  cut(): void
}

/** What of a body may be on its way without having been read, in bytes: of a stream, and of a connection. */
const streamWindow = 256 * 1024
const connectionWindow = 1024 * 1024

/** Megabytes that one connection may hold, headers and what its client does not take. */
const sessionMemory = 64

/** How long a connection that is being closed may take, in milliseconds. */
const closing = 5_000

/**
 * How long after the first GOAWAY the last one names the streams that are served, in milliseconds: what a client has sent before it has read
 * the first one has come by then (RFC 9113, section 6.8).
 */
const onTheWay = 500

/** With a GOAWAY: no stream is too late. */
const anyStream = 2 ** 31 - 1

/** How long the rest of a body may still arrive when it has been answered, in milliseconds. */
const lingering = 10_000

export function openHttp2({ serve, limits, bounds, stalls }: Http2Options): Http2Server {
  const { maxConcurrentStreams, resetBurst, resetRate } = limits
  const sessions = new Set<ServerHttp2Session>()
  let state: 'serving' | 'leaving' | 'draining' = 'serving'
  const tell = (session: ServerHttp2Session): void => {
    if (!session.closed && !session.destroyed) session.goaway(constants.NGHTTP2_NO_ERROR, anyStream)
  }
  const leave = (): void => {
    if (state !== 'serving') return
    state = 'leaving'
    for (const session of sessions) tell(session)
  }
  const server = createServer({
    Http2ServerRequest: GatewayHttp2Request,
    Http2ServerResponse: GatewayHttp2Response as never,
    settings: {
      ...{ maxConcurrentStreams, enablePush: false, initialWindowSize: streamWindow },
      maxHeaderListSize: 16 * 1024,
    },
    ...{ maxSessionMemory: sessionMemory, maxHeaderListPairs: 256 },
    ...{ streamResetBurst: resetBurst, streamResetRate: resetRate },
  })
  server.on('session', (session) => {
    sessions.add(session)
    if (state === 'draining') session.close()
    else if (state === 'leaving') tell(session)
    session.setLocalWindowSize(connectionWindow)
    let open = 0
    session.on('stream', (stream) => {
      open++
      stream.on('close', () => open--)
    })
    const whenIdle = (): void => {
      if (open > 0) return
      session.close()
      // The client may already be gone.
      setTimeout(() => session.destroy(), closing).unref()
    }
    session.setTimeout(Math.min(bounds().keepAliveTimeout, 0x7fff_ffff))
    session.on('timeout', whenIdle)
    session.on('close', () => sessions.delete(session))
    // It says what the client has done to it, and the session is gone.
    session.on('error', () => {})
  })
  const onRequest = (req: GatewayHttp2Request, res: GatewayHttp2Response): void => {
    const { stream } = res
    const watched = {
      progress: () => res.progress,
      stalled: () => stream.close(constants.NGHTTP2_CANCEL),
    }
    const place = stalls.add(watched)
    stream.on('close', () => stalls.delete(place))
    stream.on('error', () => {})
    stream.on('finish', () => {
      if (req.complete) return
      // A client may stop sending when it has its answer (RFC 9113, section 8.1).
      req.resume()
      const timer = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), lingering).unref()
      stream.on('close', () => clearTimeout(timer))
    })
    serve(req as unknown as GatewayRequest, res as unknown as GatewayResponse)
  }
  server.on('request', onRequest as never)
  server.on('checkContinue', onRequest as never)
  return {
    take: (socket) => void server.emit('connection', socket),
    leave,
    drain() {
      const close = (): void => {
        state = 'draining'
        for (const session of sessions) session.close()
      }
      if (state !== 'serving') return close()
      leave()
      setTimeout(close, onTheWay).unref()
    },
    cut() {
      for (const session of sessions) session.destroy(undefined, constants.NGHTTP2_INTERNAL_ERROR)
    },
  }
}
