import { connect, type Socket } from 'node:net'

/** What came back of a call. */
export interface Answer {
  readonly status: number
  readonly bytes: number
}

/** One connection that is kept, on which calls follow each other. */
export interface Connection {
  call(request: Buffer): Promise<Answer>
  close(): void
}

const headersEnd = Buffer.from('\r\n\r\n')
const lastChunk = Buffer.from('0\r\n\r\n')

/**
 * A client of sockets: it sends bytes that were made before and looks for the end of the answer, which takes a tenth of the time
 * that an HTTP client takes, so that the gateway is what is measured.
 */
export function openConnection(url: URL): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true }, () =>
      resolve(connectionOver(socket)),
    )
    socket.once('error', reject)
  })
}

function connectionOver(socket: Socket): Connection {
  let waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined
  let head: Buffer | undefined = Buffer.alloc(0)
  let status = 0
  let bytes = 0
  let expected = -1
  let tail: Buffer = Buffer.alloc(0)
  const done = (): void => {
    const answer = { status, bytes }
    head = Buffer.alloc(0)
    bytes = 0
    tail = Buffer.alloc(0)
    const { resolve } = waiting ?? {}
    waiting = undefined
    resolve?.(answer)
  }
  const failed = (error: Error): void => {
    const { reject } = waiting ?? {}
    waiting = undefined
    reject?.(error)
  }
  socket.on('data', (piece) => {
    let rest = piece
    if (head !== undefined) {
      const all = head.length === 0 ? piece : Buffer.concat([head, piece])
      const end = all.indexOf(headersEnd)
      if (end < 0) {
        head = all
        return
      }
      const text = all.toString('latin1', 0, end)
      status = Number(text.slice(9, 12))
      const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1]
      expected = length === undefined ? -1 : Number(length)
      head = undefined
      rest = all.subarray(end + headersEnd.length)
    }
    bytes += rest.length
    if (expected >= 0) {
      if (bytes >= expected) done()
      return
    }
    tail = rest.length >= lastChunk.length ? rest.subarray(-5) : Buffer.concat([tail, rest]).subarray(-5)
    if (tail.equals(lastChunk)) done()
  })
  socket.on('error', failed)
  socket.on('close', () => failed(new Error('the connection was closed before the end of the answer')))
  return {
    call(request) {
      return new Promise((resolve, reject) => {
        if (socket.destroyed) return reject(new Error('the connection was closed'))
        waiting = { resolve, reject }
        socket.write(request)
      })
    },
    close: () => socket.destroy(),
  }
}

/** The bytes of a call. */
export function requestBytes(
  url: URL,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): Buffer {
  const lines = [
    `POST ${path} HTTP/1.1`,
    `host: ${url.host}`,
    'content-type: application/json',
    'anthropic-version: 2023-06-01',
    'accept: application/json',
    'user-agent: benchmark/1.0',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${body.length}`,
  ]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body])
}
