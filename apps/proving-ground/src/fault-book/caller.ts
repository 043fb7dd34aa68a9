import { type IncomingHttpHeaders, request } from 'node:http'

/** What the caller saw, byte for byte, and how it ended. */
export interface Seen {
  /** 0 when there was no response. */
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  readonly text: string
  /** `end` when the response ended as HTTP wants it, else an error's code. */
  readonly ended: string
  /** Milliseconds to the first byte of the body, and to the end. */
  readonly firstByte: number
  readonly total: number
}

/** A call under way. */
export interface Calling {
  readonly seen: Promise<Seen>
  /** The body so far. */
  received(): string
  /** Closes the connection. */
  leave(): void
}

/** Nobody waits longer, in milliseconds. */
const patience = 8_000

/** Sends one request over a connection of its own and takes whatever comes. It never rejects. */
export function call(url: string, headers: Readonly<Record<string, string>>, body: Uint8Array): Calling {
  const startedAt = performance.now()
  const chunks: Buffer[] = []
  const { promise, resolve } = Promise.withResolvers<Seen>()
  let status = 0
  let answered: IncomingHttpHeaders = {}
  let firstByte = Infinity
  const finish = (ended: string): void => {
    clearTimeout(timer)
    const bytes = Buffer.concat(chunks)
    const total = performance.now() - startedAt
    resolve({ status, headers: answered, bytes, text: bytes.toString(), ended, firstByte, total })
  }
  const outgoing = request(url, { method: 'POST', agent: false, headers })
  const timer = setTimeout(() => outgoing.destroy(new Error(`nothing after ${patience} ms`)), patience)
  outgoing.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message))
  outgoing.on('response', (response) => {
    status = response.statusCode ?? 0
    answered = response.headers
    response.on('data', (chunk: Buffer) => {
      if (chunks.length === 0) firstByte = performance.now() - startedAt
      chunks.push(chunk)
    })
    response.on('end', () => finish('end'))
    response.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message))
  })
  outgoing.end(body)
  return {
    seen: promise,
    received: () => Buffer.concat(chunks).toString(),
    leave: () => void outgoing.destroy(new Error('left')),
  }
}
