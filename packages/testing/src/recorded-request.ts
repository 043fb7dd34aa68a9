import type { IncomingMessage } from 'node:http'
import type { Fault } from './fault.ts'

/** One request as a simulated server saw it, and how its answer ended. */
export interface RecordedRequest {
  readonly method: string
  /** With the query. */
  readonly path: string
  /** Lower-case names; repeated headers joined by `, `. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** The parsed body; undefined when it is not JSON. */
  readonly json: unknown
  /** `performance.now()` when the request's headers came. */
  readonly receivedAt: number
  /** The fault that this request took, if any. */
  readonly fault: Fault | undefined
  /** The bytes of body written so far, without HTTP's own framing. Always empty with `record: false`. */
  readonly sent: Uint8Array
  /** The status sent; undefined before. */
  readonly status: number | undefined
  /** `performance.now()` when the response had been written to its end. */
  readonly finishedAt: number | undefined
  /** `performance.now()` when the client closed the connection before the response was finished. */
  readonly closedAt: number | undefined
  /** Resolves with `closedAt`; waits for ever when the client does not close early. */
  readonly closedByPeer: Promise<number>
}

/** The server's side of a {@link RecordedRequest}. */
export class Recording implements RecordedRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  readonly json: unknown
  readonly receivedAt: number
  fault: Fault | undefined
  status: number | undefined
  finishedAt: number | undefined
  closedAt: number | undefined
  /** Whether the body was larger than the server takes. */
  readonly tooLarge: boolean
  readonly #sent: Uint8Array[] = []
  #closed: PromiseWithResolvers<number> | undefined

  constructor(incoming: IncomingMessage, body: Uint8Array, tooLarge: boolean, receivedAt: number) {
    this.method = incoming.method ?? 'GET'
    this.path = incoming.url ?? '/'
    this.headers = flatHeaders(incoming)
    this.body = body
    this.json = parseJson(body)
    this.tooLarge = tooLarge
    this.receivedAt = receivedAt
  }

  get sent(): Uint8Array {
    return Buffer.concat(this.#sent)
  }

  get closedByPeer(): Promise<number> {
    if (this.#closed === undefined) {
      this.#closed = Promise.withResolvers()
      if (this.closedAt !== undefined) this.#closed.resolve(this.closedAt)
    }
    return this.#closed.promise
  }

  /** Adds to {@link sent}. */
  keep(bytes: Uint8Array): void {
    this.#sent.push(bytes)
  }

  /** The client left before the end. */
  peerClosed(): void {
    this.closedAt = performance.now()
    this.#closed?.resolve(this.closedAt)
  }
}

function flatHeaders(incoming: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return headers
}

function parseJson(body: Uint8Array): unknown {
  if (body.length === 0) return undefined
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8'))
  } catch {
    return undefined
  }
}
