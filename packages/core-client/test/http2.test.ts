import { createSecureServer, type Http2SecureServer } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Client, createClient, type PoolOptions } from '../src/index.ts'
import { selfSigned } from './certificate.ts'
import { question, rejection, smallAnswer } from './support.ts'

const event = (name: string, data: object): string =>
  `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`
const streamed = [
  event('message_start', { message: { model: 'claude-opus-5-5', usage: { input_tokens: 1 } } }),
  event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
  event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Hello ' } }),
  event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'there.' } }),
  event('content_block_stop', { index: 0 }),
  event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } }),
  event('message_stop', {}),
]

let server: Http2SecureServer
let cert: string
let baseUrl: string
const seen: string[] = []
const sockets = new Set<Socket>()
let stalls = false
let resets = Promise.withResolvers<void>()

beforeAll(async () => {
  const pair = await selfSigned()
  cert = pair.cert
  server = createSecureServer({ ...pair, allowHTTP1: true })
  server.on('secureConnection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('request', async (request, response) => {
    seen.push(request.httpVersion)
    let body = ''
    for await (const chunk of request) body += chunk
    const { stream } = JSON.parse(body)
    response.setHeader('content-type', stream ? 'text/event-stream' : 'application/json')
    if (!stream) return response.end(smallAnswer)
    response.on('close', () => resets.resolve())
    for (const each of stalls ? streamed.slice(0, 3) : streamed) {
      response.write(each)
      await new Promise(setImmediate)
    }
    if (!stalls) response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  baseUrl = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  for (const socket of sockets) socket.destroy()
  server.close()
})

let client: Client
const connect = (pool: PoolOptions): Client => {
  client = createClient({ provider: 'anthropic', baseUrl, credential: 'k', pool })
  return client
}
afterEach(async () => {
  await client.close()
  await vi.waitFor(() => expect(sockets.size).toBe(0), { timeout: 10_000 })
  seen.length = 0
  stalls = false
  resets = Promise.withResolvers()
})

describe.each([
  ['HTTP/1.1', false, '1.1'],
  ['HTTP/2', true, '2.0'],
])('over TLS with %s', (_, http2, version) => {
  it('gets an answer', async () => {
    expect((await connect({ http2, tls: { ca: cert } }).complete('Hello')).text).toBe('Hi')
    expect(seen).toEqual([version])
  })

  it('streams, byte for byte', async () => {
    const fetch = connect({ http2, tls: { ca: cert } }).fetch
    const response = await fetch(`${baseUrl}/v1/messages`, question({ stream: true }))
    expect(await response.text()).toBe(streamed.join(''))
    expect(seen).toEqual([version])
  })

  it('answers many calls at a time', async () => {
    connect({ http2, tls: { ca: cert }, connections: 3 })
    const texts = await Promise.all(
      Array.from({ length: 20 }, async () => (await client.complete('Hello')).text),
    )
    expect(texts).toEqual(Array(20).fill('Hi'))
    expect(sockets.size).toBeLessThanOrEqual(3)
  })

  it('stops the upstream when the reader leaves', async () => {
    stalls = true
    for await (const piece of connect({ http2, tls: { ca: cert } }).stream('Hello')) {
      expect(piece).toBe('Hello ')
      break
    }
    await resets.promise
  })

  it('refuses a certificate that it does not know', async () => {
    const error = await rejection(connect({ http2 }).complete('Hello'))
    expect(error).toMatchObject({ failure: { kind: 'connection', retryable: false } })
  })
})

it('speaks HTTP/1.1 unless told otherwise', async () => {
  await connect({ tls: { ca: cert } }).complete('Hello')
  expect(seen).toEqual(['1.1'])
})
