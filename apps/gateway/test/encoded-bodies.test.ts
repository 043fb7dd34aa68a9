import { setTimeout as delay } from 'node:timers/promises'
import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { type SimulatedServer, startClaude } from '@spillway/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { type Gateway, parseConfig, startGateway } from '../src/index.ts'
import { configOf, gatewayOf, targetAt } from './gateway.ts'
import { messages, openSocket, type Received, send } from './raw-client.ts'

let claude: SimulatedServer

let usual: Gateway

beforeAll(async () => {
  claude = await startClaude()
  const { config } = parseConfig(stringify(configOf(targetAt(claude, 'anthropic'))), 'test.yaml')
  usual = await startGateway(config, { port: 0 })
})

afterAll(async () => {
  await usual.close(0)
  await claude.close()
})

async function gatewayUrl(server: object): Promise<string> {
  const { url } = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, { server }))
  return url
}

function post(url: string, encoding: string, body: Uint8Array, path = '/v1/messages'): Promise<Received> {
  return send(`${url}${path}`, { body, headers: { 'content-encoding': encoding } })
}

const messageOf = ({ text }: Received): string => JSON.parse(text).error.message
const plain = Buffer.from(JSON.stringify(messages({ metadata: { user_id: 'é'.repeat(40_000) } })))

describe('an encoded body', () => {
  it.each<[string, Uint8Array]>([
    ['gzip', gzipSync(plain)],
    ['X-GZip', gzipSync(plain)],
    ['gzip', Buffer.concat([gzipSync(plain.subarray(0, 100)), gzipSync(plain.subarray(100))])],
    ['deflate', deflateSync(plain)],
    ['br', brotliCompressSync(plain)],
    ['zstd', zstdCompressSync(plain)],
    ['Identity', plain],
  ])('reaches the upstream decoded: %s', async (encoding, body) => {
    const { status } = await post(usual.url, encoding, body)
    const seen = claude.requests.at(-1)
    expect(status).toBe(200)
    expect(plain.equals(seen?.body ?? Buffer.alloc(0))).toBe(true)
    expect(seen?.headers).not.toHaveProperty('content-encoding')
    expect(seen?.headers['content-length']).toBe(String(plain.length))
  })

  it.each<[string, string]>([
    ['rot13', 'rot13'],
    ['gzip, br', 'gzip, br'],
    ['__proto__', '__proto__'],
    ['x'.repeat(5_000), 'x'.repeat(40)],
  ])('is refused with 415 where the encoding is not known: %.20s', async (encoding, named) => {
    const url = usual.url
    const before = claude.requests.length
    const anthropic = await post(url, encoding, plain)
    expect([anthropic.status, anthropic.headers['accept-encoding']]).toEqual([415, 'gzip, deflate, br, zstd'])
    expect(JSON.parse(anthropic.text)).toMatchObject({
      type: 'error',
      error: { type: 'invalid_request_error' },
    })
    expect(messageOf(anthropic)).toBe(
      `content-encoding: ${named} is not supported; use one of gzip, deflate, br, zstd, or none`,
    )
    const openai = await post(url, encoding, plain, '/v1/chat/completions')
    expect([openai.status, JSON.parse(openai.text).error.type]).toEqual([415, 'invalid_request_error'])
    expect(claude.requests).toHaveLength(before)
  })

  it.each<[string, string, Uint8Array]>([
    ['not encoded at all', 'gzip', plain],
    ['cut', 'gzip', gzipSync(plain).subarray(0, 60)],
    ['cut', 'br', brotliCompressSync(plain).subarray(0, 60)],
    ['cut', 'zstd', zstdCompressSync(plain).subarray(0, 60)],
    ['changed', 'deflate', deflateSync(plain).fill(0, 20, 30)],
    ['without a byte', 'gzip', Buffer.alloc(0)],
  ])('is refused with 400 where it is %s: %s', async (_, encoding, body) => {
    const received = await post(usual.url, encoding, body)
    expect(received.status).toBe(400)
    expect(messageOf(received)).toMatch(/not encoded as its content-encoding says|no body/)
  })

  it('is checked as it arrives, as one that is not encoded', async () => {
    const received = await post(usual.url, 'gzip', gzipSync('{"model":7}'))
    expect([received.status, messageOf(received)]).toEqual([400, 'model: expected the name of a model'])
    const broken = await post(usual.url, 'br', brotliCompressSync(`{"a" ${' '.repeat(1e6)}`))
    expect([broken.status, messageOf(broken)]).toEqual([400, expect.stringContaining('not a JSON object')])
  })
})

describe('a body that grows when it is decoded', () => {
  const large = Buffer.from(JSON.stringify(messages({ system: 'x'.repeat(1_000_000) })))
  const brotliFast = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }

  it.each<[string, Uint8Array]>([
    ['gzip', gzipSync(large)],
    ['deflate', deflateSync(large)],
    ['br', brotliCompressSync(large, brotliFast)],
    ['zstd', zstdCompressSync(large)],
  ])('beyond the limit is refused with 413: %s', async (encoding, body) => {
    const url = await gatewayUrl({ maxInFlightBytes: '1MiB' })
    const received = await post(url, encoding, body)
    expect([received.status, messageOf(received)]).toEqual([
      413,
      'the request exceeds 983040 bytes (server.maxInFlightBytes)',
    ])
  })

  it('is refused before it has been sent whole', async () => {
    const url = usual.url
    const bomb = gzipSync(Buffer.alloc(70_000_000, ' '), { level: 1 })
    const head = `POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`
    const connection = await openSocket(url, head)
    connection.socket.write(bomb.subarray(0, bomb.length / 2))
    await expect.poll(() => connection.received(), { timeout: 10_000 }).toMatch(/^HTTP\/1\.1 413 /)
    connection.socket.destroy()
  })

  it('counts decoded in server.maxInFlightBytes, and is released', async () => {
    const url = await gatewayUrl({ maxInFlightBytes: '4MiB' })
    const half = gzipSync(JSON.stringify(messages({ system: 'x'.repeat(3_000_000) })))
    const cut = half.subarray(0, half.length - 20)
    const head = `POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-encoding: gzip\r\ncontent-length: ${half.length}\r\n\r\n`
    const held = await openSocket(url, head)
    held.socket.write(cut)
    // Both at once would be the wrong one refused.
    const heldBytes = async (): Promise<number> => {
      const { text } = await send(`${url}/metrics`, { method: 'GET' })
      return Number(/^spillway_server_request_bytes\{.*\} (\d+)$/m.exec(text)?.[1])
    }
    await expect.poll(heldBytes, { timeout: 10_000 }).toBeGreaterThan(2_500_000)
    expect((await post(url, 'gzip', half)).status).toBe(529)
    held.socket.write(half.subarray(cut.length))
    await expect.poll(() => held.received(), { timeout: 10_000 }).toMatch(/^HTTP\/1\.1 200 /)
    held.socket.destroy()
    await expect.poll(async () => (await post(url, 'gzip', half)).status, { timeout: 10_000 }).toBe(200)
  })

  it('ends for one of which nothing ever comes out', async () => {
    const url = await gatewayUrl({ maxInFlightBytes: '1MiB' })
    // Empty blocks of deflate: five bytes each, and nothing in them.
    const begun = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])
    const empty = Buffer.concat(Array.from({ length: 220_000 }, () => Buffer.from([0, 0, 0, 0xff, 0xff])))
    const received = await send(`${url}/v1/messages`, {
      body: Buffer.concat([begun, empty]),
      headers: { 'content-encoding': 'gzip', 'transfer-encoding': 'chunked' },
    })
    expect(received.status).toBe(413)
  })

  it('lets go of it when its client leaves', async () => {
    const url = await gatewayUrl({ maxInFlightBytes: '2MiB' })
    const body = gzipSync(JSON.stringify(messages({ system: 'x'.repeat(1_500_000) })))
    const head = `POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-encoding: gzip\r\ncontent-length: ${body.length}\r\n\r\n`
    const leaving = await openSocket(url, head)
    leaving.socket.write(body.subarray(0, body.length - 20))
    await delay(50)
    leaving.socket.destroy()
    await expect.poll(async () => (await post(url, 'gzip', body)).status, { timeout: 10_000 }).toBe(200)
  })
})
