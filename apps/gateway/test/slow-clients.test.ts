import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { defaultTimeouts } from '@spillway/middleware/kit'
import { type SimulatedServer, startClaude } from '@spillway/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { listenGateway } from '../src/server/gateway-server.ts'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import {
  anthropicHeaders,
  messages,
  openSocket,
  type RawConnection,
  requestText,
  send,
} from './raw-client.ts'

async function gatewayBefore(claude: SimulatedServer, server: object): Promise<string> {
  const { url } = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, { server }))
  return url
}

/** A client that sends this and never reads. */
async function deafSocket(url: string, text: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  socket.pause()
  await new Promise<void>((resolve) => socket.once('connect', resolve))
  socket.write(text)
  return socket
}

async function openConnections(url: string): Promise<number> {
  const { text } = await send(`${url}/metrics`, { method: 'GET' })
  const line = text.split('\n').find((each) => each.startsWith('spillway_server_connections'))
  // Less the one that asks.
  return Number(line?.split(' ').at(-1)) - 1
}

async function until(condition: () => Promise<boolean> | boolean, ms = 5_000): Promise<number> {
  const startedAt = performance.now()
  while (!(await condition())) {
    if (performance.now() - startedAt > ms) throw new Error('it has not come so far')
    await delay(20)
  }
  return performance.now() - startedAt
}

describe('a request body', () => {
  it('that trickles is taken, however long it takes', async () => {
    const claude = forThisTest(await startClaude())
    const url = await gatewayBefore(claude, { bodyTimeout: '300ms' })
    const text = requestText('/v1/messages', messages(), ['connection: close'])
    const [head = '', body = ''] = text.split('\r\n\r\n')
    const connection = await openSocket(url, `${head}\r\n\r\n`)
    const pieces = 15
    const size = Math.ceil(body.length / pieces)
    for (let at = 0; at < body.length; at += size) {
      await delay(100)
      connection.socket.write(body.slice(at, at + size))
    }
    await connection.closed
    expect(connection.received()).toMatch(/^HTTP\/1\.1 200 /)
  })

  it.each([
    ['/v1/messages', '"type":"invalid_request_error"'],
    ['/v1/chat/completions', '"code":"invalid_request_error"'],
  ])('that stops half-way is answered with 408 in the client’s protocol: %s', async (path, expected) => {
    const claude = forThisTest(await startClaude())
    const url = await gatewayBefore(claude, { bodyTimeout: '300ms' })
    const connection = await openSocket(url, requestText(path, messages()).slice(0, -5))
    const startedAt = performance.now()
    await connection.closed
    expect(performance.now() - startedAt).toBeLessThan(3_000)
    expect(connection.received()).toMatch(/^HTTP\/1\.1 408 /)
    expect(connection.received()).toContain(expected)
    expect(connection.received()).toContain('server.bodyTimeout')
    expect(claude.requests).toHaveLength(0)
  })
})

it.each(['/v1/messages', '/v1/nothing', '/healthz', '/api/nothing'])(
  'a body that nobody waits for does not keep its connection: POST %s',
  async (path) => {
    const claude = forThisTest(await startClaude())
    const url = await gatewayBefore(claude, { bodyTimeout: '300ms' })
    const head = requestText(path, '').replace('content-length: 0', 'content-length: 99000000')
    const connection = await openSocket(url, head)
    const startedAt = performance.now()
    const trickle = setInterval(() => connection.socket.write(' '), 50)
    onTestFinished(() => clearInterval(trickle))
    await connection.closed
    expect(performance.now() - startedAt).toBeLessThan(3_000)
    expect(connection.received()).toMatch(/^HTTP\/1\.1 4\d\d /)
  },
)

describe('the headers of a request', () => {
  /** What came to a client that sends its headers byte by byte. */
  async function slowHeaders(more: (connection: RawConnection) => Promise<void>): Promise<string> {
    const server = await listenGateway({
      host: '127.0.0.1',
      port: 0,
      router: () => ({ models: '*', handler: () => Promise.reject(new Error('not called')) }),
      timeouts: defaultTimeouts,
      state: () => ({}),
      fingerprint: () => 'key-1',
      log: () => {},
      keepAliveAfter: 15_000,
      bounds: { headersTimeout: 400 },
    })
    onTestFinished(() => server.drain(0))
    const connection = await openSocket(server.url, 'POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\n')
    const startedAt = performance.now()
    await Promise.race([connection.closed, more(connection)])
    await connection.closed
    expect(performance.now() - startedAt).toBeLessThan(3_000)
    return connection.received()
  }

  it('have their time, silent or not', async () => {
    expect(await slowHeaders(() => new Promise(() => {}))).toMatch(/^HTTP\/1\.1 408 /)
    const trickling = await slowHeaders(async ({ socket }) => {
      for (let index = 0; ; index++) {
        await delay(50)
        if (socket.destroyed) return
        socket.write(`x-${index}: ${index}\r\n`)
      }
    })
    expect(trickling).toMatch(/^HTTP\/1\.1 408 /)
  })
})

describe('a client that takes nothing of its answer', () => {
  it.each([false, true])(
    'loses its connection, and the upstream its call, with stream: %s',
    async (stream) => {
      const claude = forThisTest(await startClaude({ reply: { text: 'x'.repeat(30_000_000) }, chunks: 200 }))
      const url = await gatewayBefore(claude, { stallTimeout: '500ms' })
      const deaf = await Promise.all(
        Array.from({ length: 3 }, () => deafSocket(url, requestText('/v1/messages', messages({ stream })))),
      )
      expect(deaf).toHaveLength(3)
      await until(async () => claude.requests.length === 3)
      await until(async () => (await openConnections(url)) === 0, 10_000)
      if (stream) for (const request of claude.requests) await request.closedByPeer
      const { text } = await send(`${url}/metrics`, { method: 'GET' })
      expect(text).toMatch(/turned_away_total\{spillway_server_bound="stallTimeout",.*\} 3\n/)
      expect(text).toMatch(/^spillway_server_request_bytes\{.*\} 0$/m)
    },
  )

  it('loses it at pages of the gateway’s own, too', async () => {
    const claude = forThisTest(await startClaude())
    const url = await gatewayBefore(claude, { stallTimeout: '500ms' })
    const { text } = await send(`${url}/metrics`, { method: 'GET' })
    const ask = 'GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'
    await deafSocket(url, ask.repeat(Math.ceil(30_000_000 / text.length)))
    await until(async () => (await openConnections(url)) === 0, 10_000)
  })

  it('does not, as long as it takes something now and then', async () => {
    const claude = forThisTest(await startClaude({ reply: { text: 'x'.repeat(15_000_000) }, chunks: 50 }))
    const url = await gatewayBefore(claude, { stallTimeout: '600ms' })
    const text = requestText('/v1/messages', messages(), ['connection: close'])
    const { socket, closed } = await openSocket(url, text)
    let received = 0
    const startedAt = performance.now()
    socket.on('data', (chunk) => {
      received += chunk.length
      socket.pause()
      // Longer in all than a client may take nothing.
      const late = performance.now() - startedAt > 2_000
      setTimeout(() => socket.resume(), late ? 0 : 10)
    })
    await closed
    expect(received).toBeGreaterThan(15_000_000)
    expect(performance.now() - startedAt).toBeGreaterThan(1_500)
  })

  it('does not, while nothing is there to take', async () => {
    const claude = forThisTest(await startClaude())
    claude.next({ type: 'stall', afterChunks: 2, ms: 1_500 })
    const url = await gatewayBefore(claude, { stallTimeout: '300ms' })
    const text = requestText('/v1/messages', messages({ stream: true }), ['connection: close'])
    const { closed, received } = await openSocket(url, text)
    await closed
    expect(received()).toContain('event: message_stop')
  })

  it('does not keep the gateway from closing', async () => {
    const claude = forThisTest(await startClaude({ reply: { text: 'x'.repeat(30_000_000) }, chunks: 50 }))
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
    await deafSocket(gateway.url, requestText('/v1/messages', messages()))
    await deafSocket(gateway.url, 'GET /api/live HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n')
    await until(() => claude.requests[0]?.finishedAt !== undefined)
    const startedAt = performance.now()
    await gateway.close(300)
    expect(performance.now() - startedAt).toBeLessThan(5_000)
  })
})

describe('connections', () => {
  it('beyond their number are closed, and welcome when others have gone', async () => {
    const claude = forThisTest(await startClaude())
    const url = await gatewayBefore(claude, { maxConnections: 3 })
    const open = await Promise.all([1, 2, 3].map(() => openSocket(url, '')))
    const fourth = await openSocket(url, requestText('/v1/messages', messages()))
    await fourth.closed
    expect(fourth.received()).toBe('')
    expect(claude.requests).toHaveLength(0)
    for (const { socket } of open) socket.destroy()
    await until(async () => {
      try {
        return (
          (await send(`${url}/v1/messages`, { body: messages(), headers: anthropicHeaders })).status === 200
        )
      } catch {
        return false
      }
    })
    const { text } = await send(`${url}/metrics`, { method: 'GET' })
    expect(text).toMatch(/turned_away_total\{spillway_server_bound="maxConnections",.*\} [1-9]\n/)
  })

  it.runIf(process.platform === 'linux')(
    'are probed by TCP, so that vanished clients are found',
    async () => {
      const claude = forThisTest(await startClaude())
      const url = await gatewayBefore(claude, {})
      const { socket } = await openSocket(url, '')
      const [local, remote] = [new URL(url).port, socket.localPort].map((port) =>
        Number(port).toString(16).toUpperCase().padStart(4, '0'),
      )
      const timerOf = (): string | undefined =>
        readFileSync('/proc/net/tcp', 'utf8')
          .split('\n')
          .map((line) => line.trim().split(/\s+/))
          .find(([, here, there]) => here?.endsWith(`:${local}`) && there?.endsWith(`:${remote}`))?.[5]
      await until(() => timerOf() !== undefined)
      // The kernel's own word for a keep-alive timer.
      expect(timerOf()).toMatch(/^02:/)
      socket.destroy()
    },
  )
})
