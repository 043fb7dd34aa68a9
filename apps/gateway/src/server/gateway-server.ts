import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { recogniseCall } from '@spillway/wire'
import { type CallHandling, handleCall } from './handle-call.ts'
import { callersFault, guessApi, refuse } from './refusal.ts'

/** The paths of model calls: exactly these, whatever the query. */
const callPaths: ReadonlySet<string> = new Set([
  '/v1/messages',
  '/v1/messages/count_tokens',
  '/v1/chat/completions',
])

/** A gateway that listens. */
export interface GatewayServer {
  /** `http://HOST:PORT`, with the port that it really has. */
  readonly url: string
  /**
   * Takes no more connections and waits for the calls in flight, at most `ms` milliseconds; then closes what is
   * left.
   */
  drain(ms: number): Promise<void>
}

export interface ListenOptions extends CallHandling {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
}

/**
 * Starts to listen.
 * @throws the system's error, with `code` `EADDRINUSE` for instance
 */
export async function listenGateway(options: ListenOptions): Promise<GatewayServer> {
  let draining = false
  const server = createServer((req, res) => {
    if (draining) res.setHeader('connection', 'close')
    dispatch(req, res, options, draining).catch(() => {
      // The client has left, or the body of its request broke off: there is nobody to answer.
      res.destroy()
    })
  })
  // Idle connections outlast those of common load balancers, which would otherwise reuse one that is being closed.
  server.keepAliveTimeout = 75_000
  server.on('clientError', refuseMalformedHttp)
  await listen(server, options.host, options.port)
  const { address, port } = server.address() as AddressInfo
  return {
    url: `http://${address.includes(':') ? `[${address}]` : address}:${port}`,
    async drain(ms) {
      draining = true
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      const timer = setTimeout(() => server.closeAllConnections(), ms)
      await closed
      clearTimeout(timer)
    },
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function dispatch(
  req: IncomingMessage,
  res: ServerResponse,
  options: ListenOptions,
  draining: boolean,
): Promise<void> {
  const path = (req.url ?? '/').replace(/[?#].*$/s, '')
  const isRead = req.method === 'GET' || req.method === 'HEAD'
  if (callPaths.has(path)) {
    const call = recogniseCall(req.method ?? '', path)
    if (call !== undefined) return handleCall(req, res, call, options)
    return refuseMethod(req, res, 'POST')
  }
  if (path === '/healthz' || path === '/readyz') {
    if (!isRead) return refuseMethod(req, res, 'GET, HEAD')
    const ready = path === '/healthz' || !draining
    return sendJson(res, ready ? 200 : 503, { status: ready ? 'ok' : 'draining' })
  }
  // Clients probe the root before their first call.
  if (path === '/' && isRead) return sendJson(res, 200, { name: 'spillway' })
  const known = [...callPaths].map((each) => `POST ${each}`).join(', ')
  refuse(
    res,
    guessApi(req),
    callersFault('not_found', `no such route: ${req.method} ${path}; there are ${known}, GET /healthz`),
  )
  req.resume()
}

function refuseMethod(req: IncomingMessage, res: ServerResponse, allow: string): void {
  const failure = callersFault('invalid_request', `${req.method} is not allowed here; use ${allow}`, 405)
  refuse(res, guessApi(req), failure, { allow })
  req.resume()
}

function sendJson(res: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(`${JSON.stringify(value)}\n`)
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length })
  res.end(body)
}

/** What the HTTP parser refuses never becomes a request, so the answer is written by hand. */
function refuseMalformedHttp(error: NodeJS.ErrnoException, socket: import('node:stream').Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW'
  const type = 'invalid_request_error'
  const message = tooLarge ? 'the request headers are too large' : 'the request is not valid HTTP'
  const body = JSON.stringify({ type: 'error', error: { type, message }, request_id: null })
  const status = tooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request'
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}
