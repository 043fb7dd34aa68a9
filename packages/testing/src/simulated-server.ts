import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Answer, Call, Route } from './answer.ts'
import { Exchange } from './exchange.ts'
import type { Fault } from './fault.ts'
import { type RecordedRequest, Recording } from './recorded-request.ts'
import type { Reply } from './reply.ts'
import { headersOf, script, wholeBody } from './script.ts'

/** What all simulated servers can be told. */
export interface ServerOptions {
  /** @default 0: any free port */
  readonly port?: number
  /** What the model says, always or by request. @default {@link defaultText} */
  readonly reply?: Reply | ((request: RecordedRequest) => Reply)
  /** Milliseconds before the headers of each generation. @default 0 */
  readonly latencyMs?: number | ((request: RecordedRequest) => number)
  /** Milliseconds before each content event of a stream. @default 0: the whole stream in one write */
  readonly chunkDelayMs?: number
  /** How many text deltas a stream has. The default text is repeated to suit. @default one a word */
  readonly chunks?: number
  /** Writes each content event by itself, in a separate turn of the event loop. @default false */
  readonly separateWrites?: boolean
  /** The fault of a generation request for which none is queued, by request; it wins over `always`. @default none */
  readonly fault?: (request: RecordedRequest) => Fault | undefined
  /** Keeps requests and the bytes sent. Turn it off to measure. @default true */
  readonly record?: boolean
  /** More headers for every response to a generation; they win over the usual ones. */
  readonly headers?: Readonly<Record<string, string>>
}

/** A server on 127.0.0.1 that behaves like a vendor's, and misbehaves as told. */
export interface SimulatedServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  /** All requests so far, in order; empty with `record: false`. */
  readonly requests: readonly RecordedRequest[]
  /** How many connections are open now. */
  readonly connections: number
  /** Queues faults: each generation request takes one. */
  next(...faults: Fault[]): void
  /** The fault of every generation request for which none is queued; undefined for none. */
  always(fault: Fault | undefined): void
  /** The next request to arrive, whatever it asks for, once its body is here. */
  nextRequest(): Promise<RecordedRequest>
  /** Destroys all connections and stops. */
  close(): Promise<void>
}

/** What makes a server one vendor's. */
export interface Site {
  /** The most bytes of request body that are kept; the answer sees `tooLarge` beyond. */
  readonly bodyLimit: number
  route(method: string, pathname: string): Route
  /** Milliseconds before the headers of a generation that is about to begin, on top of the options'. */
  latency?(request: RecordedRequest): number
}

const serverTag = (): string => Math.random().toString(36).slice(2, 8).padEnd(6, '0')

/** Starts a server for a site. */
export async function startServer(site: Site, options: ServerOptions): Promise<SimulatedServer> {
  const running = new RunningServer(site, options)
  await running.listen(options.port ?? 0)
  return running
}

class RunningServer implements SimulatedServer {
  readonly requests: RecordedRequest[] = []
  readonly #site: Site
  readonly #options: ServerOptions
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #exchanges = new Set<Exchange>()
  readonly #queue: Fault[] = []
  #always: Fault | undefined
  #arrival: PromiseWithResolvers<RecordedRequest> | undefined
  readonly #tag = serverTag()
  #count = 0

  constructor(site: Site, options: ServerOptions) {
    this.#site = site
    this.#options = options
    this.#server = createServer({ keepAliveTimeout: 120_000, requestTimeout: 0 }, (incoming, response) =>
      this.#receive(incoming, response),
    )
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get connections(): number {
    return this.#sockets.size
  }

  next(...faults: Fault[]): void {
    this.#queue.push(...faults)
  }

  always(fault: Fault | undefined): void {
    this.#always = fault
  }

  nextRequest(): Promise<RecordedRequest> {
    this.#arrival ??= Promise.withResolvers()
    return this.#arrival.promise
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, '127.0.0.1', resolve)
    })
  }

  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const exchange of this.#exchanges) exchange.abandon()
    for (const socket of this.#sockets) socket.destroy()
    return closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #receive(incoming: IncomingMessage, response: ServerResponse): void {
    const receivedAt = performance.now()
    const chunks: Buffer[] = []
    let size = 0
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= this.#site.bodyLimit) chunks.push(chunk)
    })
    incoming.on('end', () => {
      const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
      this.#answer(new Recording(incoming, body, size > this.#site.bodyLimit, receivedAt), response)
    })
  }

  #answer(request: Recording, response: ServerResponse): void {
    const call: Call = { request, id: `${this.#tag}${String(++this.#count).padStart(10, '0')}` }
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const route = this.#site.route(method, request.path.replace(/\?.*$/s, ''))
    if (route.generates) request.fault = this.#queue.shift() ?? this.#options.fault?.(request) ?? this.#always
    const record = this.#options.record !== false
    if (record) this.requests.push(request)
    this.#arrival?.resolve(request)
    this.#arrival = undefined

    const exchange = new Exchange(response, request, record)
    this.#exchanges.add(exchange)
    const answer = this.#generated(route, route.answer(call))
    response.on('close', () => {
      this.#exchanges.delete(exchange)
      answer.counting?.end()
    })
    const latency = route.generates ? this.#latency(request) : 0
    const pace = this.#pace()
    const steps = script(answer, request.fault, route.dialect, call, pace)
    const give = (): void => {
      if (typeof answer.body === 'string') answer.counting?.all()
      if (request.fault !== undefined || (pace !== undefined && typeof answer.body !== 'string')) {
        void exchange.play(steps)
        return
      }
      const body = wholeBody(answer)
      answer.counting?.all()
      exchange.whole(answer.status, headersOf(answer, body.length), body)
    }
    if (latency <= 0) return give()
    const timer = setTimeout(give, latency)
    response.on('close', () => clearTimeout(timer))
  }

  #generated(route: Route, answer: Answer): Answer {
    const { headers } = this.#options
    if (headers === undefined || !route.generates) return answer
    return { ...answer, headers: { ...answer.headers, ...headers } }
  }

  #latency(request: Recording): number {
    const { latencyMs = 0 } = this.#options
    const own = this.#site.latency?.(request) ?? 0
    return own + (typeof latencyMs === 'number' ? latencyMs : latencyMs(request))
  }

  #pace(): number | undefined {
    const { chunkDelayMs = 0, separateWrites = false } = this.#options
    return chunkDelayMs > 0 || separateWrites ? chunkDelayMs : undefined
  }
}
