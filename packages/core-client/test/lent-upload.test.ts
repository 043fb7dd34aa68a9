import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { attempt } from '@spillway/attempt'
import { createRequest, type ModelResponse } from '@spillway/middleware'
import { jsonBodyFromLent, LentBytes, readBody } from '@spillway/middleware/kit'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ConnectionPool, poolSettings } from '../src/connection-pool.ts'
import { leastLent } from '../src/lent-upload.ts'
import { endpointFence, placeAt, undiciTransport } from '../src/undici-transport.ts'
import { selfSigned } from './certificate.ts'
import { smallAnswer } from './support.ts'

const certificate = await selfSigned()

/** So much that no socket takes it at once. */
const long = 12 * 1024 * 1024

function bodyOf(length: number): Buffer<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4)).map((_, at) => Math.imul(at, 0x9e3779b1))
  return Buffer.from(words.buffer, 0, length)
}

interface Upstream {
  readonly url: string
  /** The connection, at the first bytes on it. */
  readonly connected: Promise<Socket>
  /** What has arrived of the body. */
  received(): Buffer
}

/** @param onBytes at the first that arrive @param length bytes of body that it answers */
async function upstream(scheme: string, onBytes: (socket: Socket) => void, length = long): Promise<Upstream> {
  const pieces: Buffer[] = []
  const received = (): Buffer => {
    const all = Buffer.concat(pieces)
    return all.subarray(all.indexOf('\r\n\r\n') + 4)
  }
  const connected = Promise.withResolvers<Socket>()
  const listener = (socket: Socket): void => {
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => {})
    socket.once('data', () => {
      connected.resolve(socket)
      onBytes(socket)
    })
    let count = 0
    socket.on('data', (piece) => {
      pieces.push(piece)
      count += piece.length
      if (count > length && received().length === length) socket.write(answer(200, smallAnswer))
    })
  }
  const server = scheme === 'https' ? createTlsServer(certificate, listener) : createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, connected: connected.promise, received }
}

const answer = (status: number, body: string): string =>
  `HTTP/1.1 ${status} Text\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`

/** What a connection still brings, up to its end. */
async function readOn(socket: Socket): Promise<void> {
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.resume()
  await closed
}

interface SendOptions {
  readonly http2?: boolean
  readonly signal?: AbortSignal
}

/** The memory itself is seen by nothing but the test. */
function prepare(url: string, length: number, { http2 = false, signal }: SendOptions = {}) {
  const pool = new ConnectionPool(poolSettings({ http2, tls: { ca: certificate.cert } }))
  onTestFinished(() => pool.close())
  const memory = bodyOf(length)
  const lent = new LentBytes(memory)
  const request = createRequest({
    ...{ api: 'anthropic', model: 'm', stream: false, url: '/v1/messages', signal },
    body: jsonBodyFromLent(lent),
  })
  const transport = undiciTransport(pool, placeAt(url), endpointFence('anthropic', undefined))
  return { lent, memory, request, transport }
}

interface Sent {
  readonly lent: LentBytes
  readonly memory: Buffer<ArrayBuffer>
  readonly answer: Promise<ModelResponse>
}

function send(url: string, length = long, options: SendOptions = {}): Sent {
  const { lent, memory, request, transport } = prepare(url, length, options)
  return { lent, memory, answer: attempt(transport)(request) }
}

const isThere = ({ memory }: Sent): boolean => !memory.buffer.detached

/** The call is over, as for a gateway whose caller has its answer. */
async function endOf({ lent, answer }: Sent): Promise<ModelResponse> {
  const response = await answer
  await readBody(response.body)
  await response.outcome
  lent.giveBack()
  return response
}

/** What would lie where memory is given back too early. */
const litter: Buffer[] = []
function scatter(): void {
  for (let count = 0; count < 8; count++) litter.push(Buffer.allocUnsafeSlow(long).fill(0xee))
  litter.length = 0
}

/** What has arrived is the beginning of what was sent. */
function expectBeginning(received: Buffer, length = long): void {
  expect(received.equals(bodyOf(length).subarray(0, received.length))).toBe(true)
}

const readAll = (): void => {}

describe.each(['http', 'https'])('a body that is lent, over %s', (scheme) => {
  it.each([leastLent, long])(
    'is given back when it is written and its call is over: %i bytes',
    async (length) => {
      const { url, received } = await upstream(scheme, readAll, length)
      const sent = send(url, length)
      expect((await endOf(sent)).status).toBe(200)
      expect(isThere(sent)).toBe(false)
      expect(received().equals(bodyOf(length))).toBe(true)
    },
  )

  it('stays while it is written, whatever else is over', async () => {
    const { url, connected, received } = await upstream(scheme, (socket) => socket.pause())
    const { transport, request, memory, lent } = prepare(url, long)
    const ended = new Promise<void>((resolve, reject) => {
      transport(request, { headers() {}, data() {}, end: resolve, error: reject, fault: reject })
    })
    lent.giveBack()
    const socket = await connected
    await new Promise((resolve) => setTimeout(resolve, 50))
    scatter()
    expect(memory.buffer.detached).toBe(false)
    socket.resume()
    await ended
    expect(received().equals(bodyOf(long))).toBe(true)
    expect(memory.buffer.detached).toBe(true)
  })

  it('is nothing but itself at an endpoint that answers before it has read all', async () => {
    const { url, connected, received } = await upstream(scheme, (socket) => {
      socket.pause()
      socket.write(answer(413, '{"error":{"type":"request_too_large"}}'))
    })
    const sent = send(url)
    expect((await endOf(sent)).status).toBe(413)
    await new Promise(setImmediate)
    scatter()
    await readOn(await connected)
    expectBeginning(received())
  })

  it('is left to the garbage collector where its caller leaves while it is written', async () => {
    const leaving = new AbortController()
    const { url, connected, received } = await upstream(scheme, (socket) => socket.pause())
    const sent = send(url, long, { signal: leaving.signal })
    const refused = expect(sent.answer).rejects.toThrow('the caller left')
    const socket = await connected
    leaving.abort(new Error('the caller left'))
    await refused
    sent.lent.giveBack()
    scatter()
    await readOn(socket)
    expectBeginning(received())
    expect(isThere(sent)).toBe(true)
  })

  it('is left to the garbage collector where the connection breaks while it is written', async () => {
    const { url } = await upstream(scheme, (socket) => socket.destroy())
    const sent = send(url)
    expect((await endOf(sent)).failure?.kind).toBe('connection')
    expect(isThere(sent)).toBe(true)
  })

  it('is given back where it was never sent', async () => {
    const { url } = await upstream(scheme, readAll)
    const sent = send(url.replace(/\d+$/, '1'))
    expect((await endOf(sent)).failure?.kind).toBe('connection')
    expect(isThere(sent)).toBe(false)
  })
})

it.each([
  ['that is short', leastLent - 1, {}],
  ['for a client that may speak HTTP/2', leastLent, { http2: true }],
])('a body %s is left to the garbage collector', async (_, length, options) => {
  const { url, received } = await upstream('https', readAll, length)
  const sent = send(url, length, options)
  expect((await endOf(sent)).status).toBe(200)
  expect(received().equals(bodyOf(length))).toBe(true)
  expect(isThere(sent)).toBe(true)
})
