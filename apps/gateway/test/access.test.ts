import { setTimeout as delay } from 'node:timers/promises'
import { type SimulatedServer, startClaude } from '@spillway/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { type Gateway, parseConfig, startGateway } from '../src/index.ts'
import { configOf, targetAt } from './gateway.ts'
import { chat, messages, openSocket, send } from './raw-client.ts'

const pageOrigin = 'https://app.example.com'

let claude: SimulatedServer
let gateway: Gateway
let open: Gateway
let sent = 0

beforeAll(async () => {
  claude = await startClaude()
  gateway = await start({})
  open = await start({
    allowedHosts: ['gateway.internal', '*.example.com:8787', '10.1.2.3'],
    allowedOrigins: [pageOrigin, 'vscode-webview://*'],
  })
})

beforeEach(() => {
  sent = claude.requests.length
})

afterAll(async () => {
  await gateway.close(0)
  await open.close(0)
  await claude.close()
})

function start(server: object): Promise<Gateway> {
  const config = configOf(targetAt(claude, 'anthropic'), undefined, { server })
  return startGateway(parseConfig(stringify(config), 'test.yaml').config, { port: 0 })
}

/** What comes back for exactly this head, with a body where it is a POST. */
async function answerTo(
  at: Gateway,
  line: string,
  headers: readonly string[],
  body?: unknown,
): Promise<string> {
  const text = body === undefined ? '' : JSON.stringify(body)
  const length = body === undefined ? [] : [`content-length: ${text.length}`]
  const head = [line, ...headers, ...length, 'connection: close', '', text].join('\r\n')
  const { closed, received, socket } = await openSocket(at.url, head)
  await Promise.race([closed, delay(2_000)])
  socket.destroy()
  return received()
}

function errorOf(answer: string): { status: number; type: string; message: string } {
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  const { error } = JSON.parse(body)
  return { status: Number(head.split(' ')[1]), type: error.type ?? error.code, message: error.message }
}

const call = 'POST /v1/messages HTTP/1.1'
const version = 'anthropic-version: 2023-06-01'
const reads = [
  '/',
  '/healthz',
  '/readyz',
  '/metrics',
  '/api/summary',
  '/api/calls',
  '/api/live',
  '/assets/x.js',
]

describe('a request that names a foreign host', () => {
  it.each([
    'evil.example',
    'evil.example:8787',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '169.254.169.254',
    '10.1.2.3',
    '0.0.0.0',
    '[::]',
    '[fd00::1]:8787',
    'gateway.internal',
  ])('is refused before anything reaches the upstream: %s', async (host) => {
    const { status, type, message } = errorOf(await answerTo(gateway, call, [`host: ${host}`], messages()))
    expect([status, type]).toEqual([403, 'permission_error'])
    expect(message).toContain('server.allowedHosts')
    expect(claude.requests.length).toBe(sent)
  })

  it('reads that host in the answer, printable and short', async () => {
    const { message } = errorOf(await answerTo(gateway, call, ['host: Evil.Example:1'], messages()))
    expect(message).toContain('"evil.example"')
    const long = errorOf(await answerTo(gateway, call, [`host: ${'a.'.repeat(120)}example`], messages()))
    expect([long.status, long.message.length < 300]).toEqual([403, true])
  })

  it('is refused in OpenAI’s words at OpenAI’s path', async () => {
    const line = 'POST /v1/chat/completions HTTP/1.1'
    const answer = await answerTo(gateway, line, ['host: evil.example'], chat())
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({
      error: { type: 'invalid_request_error', code: 'permission_denied' },
    })
  })

  it.each(reads)('may not read %s', async (path) => {
    const answer = await answerTo(gateway, `GET ${path} HTTP/1.1`, ['host: evil.example'])
    expect(errorOf(answer).status).toBe(403)
  })

  it.each(['OPTIONS', 'PUT', 'DELETE', 'HEAD', 'TRACE'])(
    'is refused whatever the method: %s',
    async (method) => {
      const answer = await answerTo(gateway, `${method} /v1/messages HTTP/1.1`, ['host: evil.example'])
      expect(answer).toMatch(/^HTTP\/1\.1 403 /)
    },
  )

  it('is refused before its body is there, and is not told to send it', async () => {
    const head = [call, 'host: evil.example', 'content-length: 1000', 'expect: 100-continue', '', '']
    const { socket, received } = await openSocket(gateway.url, head.join('\r\n'))
    await expect.poll(received).toMatch(/^HTTP\/1\.1 403 /)
    expect(received()).toMatch(/^connection: close/im)
    socket.destroy()
  })

  it('is refused behind one that was served, on the same connection', async () => {
    const good = ['GET /healthz HTTP/1.1', 'host: 127.0.0.1', '', ''].join('\r\n')
    const bad = ['GET /api/summary HTTP/1.1', 'host: evil.example', '', ''].join('\r\n')
    const { socket, received } = await openSocket(gateway.url, good + bad + good)
    const statuses = () => received().match(/HTTP\/1\.1 \d+/g)
    await expect.poll(statuses).toEqual(['HTTP/1.1 200', 'HTTP/1.1 403', 'HTTP/1.1 200'])
    socket.destroy()
  })

  it('reads why, though its body is large', async () => {
    const body = messages({ messages: [{ role: 'user', content: 'x'.repeat(5_000_000) }] })
    const { status } = await send(`${gateway.url}/v1/messages`, { headers: { host: 'evil.example' }, body })
    expect(status).toBe(403)
  })

  it('gets no tunnel', async () => {
    expect(await answerTo(gateway, 'CONNECT evil.example:443 HTTP/1.1', ['host: evil.example:443'])).toBe('')
  })
})

describe('a request that names this gateway', () => {
  it.each([
    'localhost',
    'LOCALHOST:1',
    'localhost.:8787',
    'app.localhost:8787',
    '127.0.0.1',
    '127.0.0.2:8787',
    '[::1]:8787',
    '[::ffff:127.0.0.1]',
  ])('passes: %s', async (host) => {
    expect(await answerTo(gateway, call, [`host: ${host}`, version], messages())).toMatch(/^HTTP\/1\.1 200 /)
  })

  it.each(['gateway.internal', 'GATEWAY.internal.:9999', 'a.b.example.com:8787', '10.1.2.3:8787'])(
    'passes by server.allowedHosts: %s',
    async (host) => {
      expect(await answerTo(open, call, [`host: ${host}`, version], messages())).toMatch(/^HTTP\/1\.1 200 /)
    },
  )

  it.each(['example.com:8787', 'a.example.com:9999', 'a.example.com', 'x.gateway.internal', '10.1.2.4'])(
    'is not meant by server.allowedHosts: %s',
    async (host) => {
      expect(await answerTo(open, call, [`host: ${host}`], messages())).toMatch(/^HTTP\/1\.1 403 /)
    },
  )

  it('is asked for its body where it waits for that', async () => {
    const body = JSON.stringify(messages())
    const head = [
      call,
      'host: localhost',
      version,
      `content-length: ${body.length}`,
      'expect: 100-continue',
      '',
      '',
    ]
    const { socket, received } = await openSocket(gateway.url, head.join('\r\n'))
    await expect.poll(received).toMatch(/^HTTP\/1\.1 100 Continue/)
    socket.write(body)
    await expect.poll(received).toContain('HTTP/1.1 200 OK')
    socket.destroy()
  })
})

describe('a request without one valid host', () => {
  it.each([
    ['two', ['host: 127.0.0.1', 'host: 127.0.0.1'], /more than one Host/],
    ['two, one of them foreign', ['Host: 127.0.0.1', 'HOST: evil.example'], /more than one Host/],
    ['none', [], /no Host/],
    ['an empty one', ['host:'], /not the name of a host/],
    ['a user', ['host: user@127.0.0.1'], /not the name of a host/],
    ['a path', ['host: 127.0.0.1/x'], /not the name of a host/],
    ['a list', ['host: 127.0.0.1, evil.example'], /not the name of a host/],
    ['odd bytes', ['host: 127.0.0.1\xff'], /"127\.0\.0\.1\?"/],
    ['a number that browsers take for an address', ['host: 2130706433'], /not the name of a host/],
  ])('is refused with 400: %s', async (_, headers, expected) => {
    const answer = await answerTo(gateway, call, headers, messages())
    const { status, type, message } = errorOf(answer)
    expect(answer).toMatch(/^connection: close/im)
    expect([status, type]).toEqual([400, 'invalid_request_error'])
    expect(message).toMatch(expected)
    expect(claude.requests.length).toBe(sent)
  })

  it('passes where HTTP has none: probes of load balancers speak HTTP/1.0', async () => {
    expect(await answerTo(gateway, 'GET /healthz HTTP/1.0', [])).toMatch(/^HTTP\/1\.1 200 /)
    expect(await answerTo(gateway, 'GET /healthz HTTP/1.0', ['host: evil.example'])).toMatch(
      /^HTTP\/1\.1 403 /,
    )
  })
})

describe('a request whose target is a whole URL', () => {
  it.each([
    ['http://127.0.0.1:8787/v1/messages?beta=true', 'host: 127.0.0.1:8787'],
    ['HTTP://LOCALHOST/v1/messages?beta=true', 'host: evil.example'],
  ])('is served by its path, and its host counts: %s, with %s', async (target, host) => {
    const answer = await answerTo(gateway, `POST ${target} HTTP/1.1`, [host, version], messages())
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(claude.requests.at(-1)?.path).toBe('/v1/messages?beta=true')
  })

  it.each([
    ['http://evil.example/v1/messages', 403],
    ['http://api.anthropic.com/v1/messages', 403],
    ['http://127.0.0.1@evil.example/v1/messages', 400],
    ['http://user:pw@127.0.0.1/v1/messages', 400],
    ['http:///v1/messages', 400],
    ['ftp://127.0.0.1/v1/messages', 400],
  ])('is refused: %s', async (target, expected) => {
    const answer = await answerTo(gateway, `POST ${target} HTTP/1.1`, ['host: 127.0.0.1'], messages())
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${expected} `))
    expect(claude.requests.length).toBe(sent)
  })

  it('reads the API and its parameters', async () => {
    const line = 'GET http://localhost:8787/api/summary?range=1h HTTP/1.1'
    expect(await answerTo(gateway, line, ['host: localhost:8787'])).toMatch(/^HTTP\/1\.1 200 /)
  })
})

describe('a request of a web page', () => {
  const ask = (headers: Record<string, string>, at = gateway) =>
    send(`${at.url}/v1/messages`, { headers, body: messages() })

  it.each([
    { origin: 'https://evil.example' },
    { origin: 'http://127.0.0.1:3000' },
    { origin: 'https://127.0.0.1' },
    { origin: 'null' },
    { origin: '' },
    { origin: 'file://' },
    { origin: 'vscode-webview://1f2e3d' },
    { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'anything' },
    { 'sec-fetch-site': 'none, cross-site' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
  ])('of another origin is refused: %o', async (headers) => {
    const { status, text } = await ask(headers)
    expect(status).toBe(403)
    const { error } = JSON.parse(text)
    expect(error.type).toBe('permission_error')
    expect(error.message).toContain('server.allowedOrigins')
    expect(claude.requests.length).toBe(sent)
  })

  it('with the right host and the wrong scheme, port or name is refused', async () => {
    const { port } = new URL(gateway.url)
    for (const origin of [
      `https://127.0.0.1:${port}`,
      `http://localhost:${port}`,
      `http://127.0.0.1:${port}1`,
    ])
      expect((await ask({ origin, 'sec-fetch-site': 'same-site' })).status).toBe(403)
  })

  it.each(reads)('of another origin may not read %s', async (path) => {
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }
    expect((await send(`${gateway.url}${path}`, { method: 'GET', headers })).status).toBe(403)
  })

  it('that was linked from another site is the dashboard, and nothing else', async () => {
    const headers = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    }
    const status = async (path: string, more: object = {}) =>
      (await send(`${gateway.url}${path}`, { method: 'GET', headers: { ...headers, ...more } })).status
    expect(await status('/')).toBe(200)
    expect(await status('/api/summary')).toBe(403)
    expect(await status('/', { 'sec-fetch-dest': 'iframe' })).toBe(403)
    expect(await status('/', { 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'cors' })).toBe(403)
    expect(await status('/', { origin: 'https://evil.example' })).toBe(403)
  })

  it.each([
    {},
    { 'sec-fetch-mode': 'cors', 'accept-language': '*', 'user-agent': 'node' },
    { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' },
    {
      'anthropic-dangerous-direct-browser-access': 'true',
      'user-agent': 'claude-cli/2.1.330 (external, cli)',
    },
    { referer: 'https://somewhere.example/' },
  ])('is not what programs send: %o', async (headers) => {
    const { status } = await ask(headers as Record<string, string>)
    expect(status).toBe(200)
  })

  it('of the dashboard passes', async () => {
    const origin = new URL(gateway.url).origin
    expect((await ask({ origin, 'sec-fetch-site': 'same-origin' })).status).toBe(200)
    expect((await ask({ origin })).status).toBe(200)
    const { status } = await send(`${gateway.url}/api/summary`, {
      method: 'GET',
      headers: { 'sec-fetch-site': 'same-origin' },
    })
    expect(status).toBe(200)
  })

  it('that opens a WebSocket is refused', async () => {
    const upgrade = [
      'connection: Upgrade',
      'upgrade: websocket',
      'sec-websocket-key: x',
      'sec-websocket-version: 13',
    ]
    const head = [
      'GET /api/live HTTP/1.1',
      'host: 127.0.0.1',
      'origin: https://evil.example',
      ...upgrade,
      '',
      '',
    ]
    const { socket, received } = await openSocket(gateway.url, head.join('\r\n'))
    await expect.poll(received).toMatch(/^HTTP\/1\.1 403 /)
    socket.destroy()
  })
})

describe('a page of an allowed origin', () => {
  const origin = pageOrigin
  const cors = {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': '*',
    vary: 'origin',
    'cross-origin-resource-policy': 'cross-origin',
    'x-content-type-options': 'nosniff',
  }

  it.each([
    ['an answer', '/v1/messages', messages(), 200],
    ['a stream', '/v1/messages', messages({ stream: true }), 200],
    ['an error of a body', '/v1/messages', { model: '' }, 400],
    ['an unknown path', '/v1/nothing', {}, 404],
    ['a wrong method', '/healthz', {}, 405],
    ['a wrong method of the API', '/api/summary', {}, 405],
  ])('may read %s', async (_, path, body, expected) => {
    const headers = { origin, 'sec-fetch-site': 'cross-site' }
    const received = await send(`${open.url}${path}`, { headers, body })
    expect(received.status).toBe(expected)
    expect(received.headers).toMatchObject(cors)
    expect(received.headers).not.toHaveProperty('access-control-allow-credentials')
  })

  it('may read an error of the upstream', async () => {
    claude.next({ type: 'status', status: 529 })
    const received = await send(`${open.url}/v1/messages`, { headers: { origin }, body: messages() })
    expect(received.status).toBe(529)
    expect(received.headers).toMatchObject(cors)
  })

  it('may read JSON whose answer varies by more', async () => {
    const received = await send(`${open.url}/`, { method: 'GET', headers: { origin } })
    expect(received.headers.vary).toBe('accept, origin')
  })

  it('sends a preflight and learns what it may', async () => {
    const received = await send(`${open.url}/v1/messages`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,anthropic-version,x-stainless-os',
        'access-control-request-private-network': 'true',
        'sec-fetch-site': 'cross-site',
      },
    })
    expect([received.status, received.text]).toEqual([204, ''])
    expect(received.headers).toMatchObject({
      ...cors,
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers': 'authorization,anthropic-version,x-stainless-os',
      'access-control-allow-private-network': 'true',
      'access-control-max-age': '7200',
    })
  })

  it.each(['', 'a b', 'a,,b', 'a: b', 'x'.repeat(5_000)])('is granted no headers by %j', async (wanted) => {
    const { status, headers } = await send(`${open.url}/v1/messages`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': wanted },
    })
    expect(status).toBe(204)
    expect(headers).not.toHaveProperty('access-control-allow-headers')
    expect(headers).not.toHaveProperty('access-control-allow-private-network')
  })

  it('that does not ask before is answered as with any method', async () => {
    const { status } = await send(`${open.url}/v1/messages`, { method: 'OPTIONS', headers: { origin } })
    expect(status).toBe(405)
  })

  it('may be any of a scheme', async () => {
    const headers = { origin: 'vscode-webview://0a1b2c3d-4e5f' }
    const received = await send(`${open.url}/v1/messages`, { headers, body: messages() })
    expect(received.status).toBe(200)
    expect(received.headers['access-control-allow-origin']).toBe(headers.origin)
  })

  it.each([
    'https://app.example.com.evil.example',
    'https://APP.example.com',
    'http://app.example.com',
    'https://app.example.com:444',
    'https://app.example.com, https://app.example.com',
    'vscode-webview:1f2e',
    'xvscode-webview://1f2e',
  ])('is not one of origin %s', async (other) => {
    const headers = { origin: other, 'access-control-request-method': 'POST' }
    for (const method of ['POST', 'OPTIONS']) {
      const received = await send(`${open.url}/v1/messages`, { method, headers, body: messages() })
      expect(received.status).toBe(403)
      expect(received.headers).not.toHaveProperty('access-control-allow-origin')
      expect(received.headers.vary).toBe('origin')
    }
  })

  it('has to name a host of this gateway too', async () => {
    const headers = { origin, host: 'evil.example' }
    expect((await send(`${open.url}/v1/messages`, { headers, body: messages() })).status).toBe(403)
  })
})

it.each([
  ['GET', '/', 200],
  ['GET', '/healthz', 200],
  ['GET', '/metrics', 200],
  ['GET', '/api/summary', 200],
  ['GET', '/nothing', 404],
  ['POST', '/v1/messages', 200],
  ['POST', '/v1/messages', 403],
])(
  'no browser takes an answer for anything else, or for another page: %s %s',
  async (method, path, expected) => {
    const headers = expected === 403 ? { host: 'evil.example' } : {}
    const body = method === 'POST' ? messages() : undefined
    const received = await send(`${gateway.url}${path}`, { method, headers, body })
    expect(received.status).toBe(expected)
    expect(received.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
      'content-security-policy': expect.stringMatching(/sandbox/),
    })
  },
)
