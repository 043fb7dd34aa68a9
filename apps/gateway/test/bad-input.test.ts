import { setTimeout as delay } from 'node:timers/promises'
import { type SimulatedServer, startClaude } from '@spillway/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { type Gateway, parseConfig, startGateway } from '../src/index.ts'
import { targetAt } from './gateway.ts'
import { chat, messages, openSocket, type Received, requestText, send } from './raw-client.ts'

let claude: SimulatedServer
let gateway: Gateway

beforeAll(async () => {
  claude = await startClaude()
  const config = {
    targets: { claude: targetAt(claude, 'anthropic'), open: targetAt(claude, 'openai') },
    routes: [
      { models: 'claude-*', target: 'claude' },
      { models: 'gpt-*', target: 'open' },
    ],
  }
  gateway = await startGateway(parseConfig(stringify(config), 'test.yaml').config, { port: 0 })
})

afterEach(async () => {
  const { status } = await post('/v1/messages', messages())
  expect(status, 'the next call works').toBe(200)
})

afterAll(async () => {
  await gateway.close(0)
  await claude.close()
})

function post(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Received> {
  return send(`${gateway.url}${path}`, { body, headers })
}

function expectAnthropicError({ status, headers, text }: Received, expected: number, type: string): string {
  expect(status).toBe(expected)
  expect(headers['content-type']).toBe('application/json')
  const { message } = JSON.parse(text).error
  expect(JSON.parse(text)).toEqual({ type: 'error', error: { type, message }, request_id: null })
  return message
}

function expectOpenAiError({ status, headers, text }: Received, expected: number, code: string): string {
  expect(status).toBe(expected)
  expect(headers['content-type']).toBe('application/json')
  const { message } = JSON.parse(text).error
  const error = { message, type: 'invalid_request_error', param: null, code }
  expect(JSON.parse(text)).toEqual({ error })
  return message
}

const badBodies: readonly (readonly [string, unknown, RegExp])[] = [
  ['no body', undefined, /no body/],
  ['broken JSON', '{"model": "claude-x", ', /not a JSON object/],
  ['a list', [1, 2], /not a JSON object/],
  ['a text', '"hello"', /not a JSON object/],
  ['null', 'null', /not a JSON object/],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), /not valid UTF-8/],
  ['no model', { messages: [] }, /^model: /],
  ['an empty model', { model: '' }, /^model: /],
  ['a model that is no text', { model: 7 }, /^model: /],
  ['a stream that is no boolean', { model: 'claude-x', stream: 'yes' }, /^stream: /],
]

describe.each(badBodies)('a body with %s', (_, body, expected) => {
  it('is refused in Anthropic’s words', async () => {
    const message = expectAnthropicError(await post('/v1/messages', body), 400, 'invalid_request_error')
    expect(message).toMatch(expected)
  })

  it('is refused in OpenAI’s words', async () => {
    const received = await post('/v1/chat/completions', body)
    expect(expectOpenAiError(received, 400, 'invalid_request_error')).toMatch(expected)
  })
})

describe('a body of 33 MB', () => {
  const large = Buffer.alloc(33 * 1024 * 1024, 'x')

  it('is refused with 413 when its length is known', async () => {
    expectAnthropicError(await post('/v1/messages', large), 413, 'request_too_large')
  })

  it('is refused with 413 when it comes in chunks', async () => {
    const received = await post('/v1/chat/completions', large, { 'transfer-encoding': 'chunked' })
    expectOpenAiError(received, 413, 'invalid_request_error')
  })

  it('of which the client sends nothing is refused at once', async () => {
    const head = `POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${large.length}\r\n\r\n`
    const connection = await openSocket(gateway.url, head)
    await delay(200)
    expect(connection.received()).toMatch(/^HTTP\/1\.1 413 /)
    connection.socket.destroy()
  })
})

it('a body of 31 MB reaches the upstream', async () => {
  const content = 'x'.repeat(31 * 1024 * 1024)
  const { status } = await post('/v1/messages', messages({ messages: [{ role: 'user', content }] }))
  expect(status).toBe(200)
})

describe('an unknown route', () => {
  it('is a 404 in Anthropic’s words that names the known ones', async () => {
    const message = expectAnthropicError(await post('/v1/complete', {}), 404, 'not_found_error')
    expect(message).toContain('POST /v1/messages')
  })

  it('is a 404 in OpenAI’s words below OpenAI’s paths', async () => {
    expectOpenAiError(await post('/v1/chat/nothing', {}), 404, 'not_found')
  })

  it.each([
    '/v1/messages//',
    '/v1/messages/x/',
    '/x/v1/messages',
    '/x/v1/messages/',
    '/V1/messages',
    '//v1/messages',
  ])('does not stand for a known one: %s', async (path) => {
    expectAnthropicError(await post(path, messages()), 404, 'not_found_error')
  })
})

it('a slash at the end of a path changes nothing', async () => {
  const { status } = await post('/v1/messages/?beta=true', messages())
  const seen = claude.requests.at(-1)
  expect([status, seen?.path]).toEqual([200, '/v1/messages?beta=true'])
  for (const path of ['/v1/messages/count_tokens/', `${gateway.url}/v1/messages/`]) {
    const { max_tokens: _, ...counted } = messages()
    const body = path.includes('count') ? counted : messages()
    const url = path.startsWith('/') ? `${gateway.url}${path}` : path
    expect((await send(url, { body })).status).toBe(200)
  }
  expect((await post('/v1/chat/completions/', chat({ model: 'claude-sonnet-5-5' }))).status).toBe(200)
  expect((await fetch(`${gateway.url}/healthz/`)).status).toBe(200)
  expect((await fetch(`${gateway.url}/readyz/?a=b`)).status).toBe(200)
})

it('a stream of null is none', async () => {
  for (const stream of [null, false]) {
    const { status, headers } = await post(
      '/v1/chat/completions',
      chat({ model: 'claude-sonnet-5-5', stream }),
    )
    expect([status, headers['content-type']]).toEqual([200, 'application/json'])
    expect(claude.requests.at(-1)?.json).not.toHaveProperty('stream')
  }
})

describe('an unknown model', () => {
  it('is a 404 that says which routes there are', async () => {
    const received = await post('/v1/messages', messages({ model: 'mistral-large' }))
    const message = expectAnthropicError(received, 404, 'not_found_error')
    expect(message).toContain('mistral-large')
    expect(message).toContain('claude-*, gpt-*')
  })

  it('is a 404 in OpenAI’s words too', async () => {
    expectOpenAiError(await post('/v1/chat/completions', chat({ model: 'mistral' })), 404, 'not_found')
  })
})

describe('a wrong method', () => {
  const wrong = [
    ['GET', '/v1/messages', 'POST'],
    ['PUT', '/v1/messages?beta=true', 'POST'],
    ['DELETE', '/v1/messages/count_tokens', 'POST'],
    ['POST', '/healthz', 'GET, HEAD'],
  ] as const

  it.each(wrong)('is a 405 with allow: %s %s', async (method, path, allow) => {
    const received = await send(`${gateway.url}${path}`, { method })
    expectAnthropicError(received, 405, 'invalid_request_error')
    expect(received.headers.allow).toBe(allow)
  })

  it('is a 405 in OpenAI’s words at OpenAI’s path', async () => {
    const received = await send(`${gateway.url}/v1/chat/completions`, { method: 'GET' })
    expectOpenAiError(received, 405, 'invalid_request_error')
    expect(received.headers.allow).toBe('POST')
  })
})

/** Sends this text, waits for the answer and the close, or for a moment; returns what came. */
async function answerTo(text: string): Promise<string> {
  const { closed, received, socket } = await openSocket(gateway.url, text)
  await Promise.race([closed, delay(1_000)])
  socket.destroy()
  return received()
}

describe('what is not valid HTTP', () => {
  it.each([
    ['words', 'HELLO GATEWAY\r\n\r\n'],
    ['the start of a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['a bare CR in a header value', requestText('/v1/messages', messages(), ['x-a: one\rx-b: two'])],
    ['a NUL in a header value', requestText('/v1/messages', messages(), ['x-a: one\0two'])],
    ['a bare CR in the path', requestText('/v1/messages?a=b\rc', messages())],
    ['a LF in the path', requestText('/v1/messages?a=b\nc', messages())],
    ['a NUL in the path', requestText('/v1/messages?a=b\0c', messages())],
    ['a space in the path', requestText('/v1/mess ages', messages())],
    ['two lengths', requestText('/v1/messages', messages(), ['content-length: 5'])],
    ['a length and chunks', requestText('/v1/messages', messages(), ['transfer-encoding: chunked'])],
  ])('is refused: %s', async (_, text) => {
    const count = claude.requests.length
    const received = await answerTo(text)
    expect(received).toMatch(/^HTTP\/1\.1 400 /)
    expect(received).toContain('"type":"invalid_request_error"')
    expect(claude.requests.length).toBe(count)
  })

  it('because of its large headers is refused with 431', async () => {
    const text = requestText('/v1/messages', messages(), [`x-large: ${'x'.repeat(100_000)}`])
    expect(await answerTo(text)).toMatch(/^HTTP\/1\.1 431 /)
  })

  it('behind a call on the same connection does not end up inside its answer', async () => {
    claude.next({ type: 'stall', afterChunks: 2, ms: 400 })
    const call = requestText('/v1/messages', messages({ stream: true }))
    const connection = await openSocket(gateway.url, call)
    while (!connection.received().includes('content_block_delta')) await delay(5)
    connection.socket.write('NOT HTTP AT ALL\r\n\r\n')
    await Promise.race([connection.closed, delay(2_000)])
    connection.socket.destroy()
    expect(connection.received().match(/HTTP\/1\.1/g)).toHaveLength(1)
    expect(connection.received(), 'the stream does not look complete').not.toMatch(/\r\n0\r\n\r\n$/)
  })
})

describe('line breaks', () => {
  it('in the model name stay data, in the answer', async () => {
    const model = 'claude\r\nset-cookie: a=b\r\n\r\n<html>'
    const received = await post('/v1/messages', messages({ model }))
    expect(received.status).toBe(404)
    expect(received.headers).not.toHaveProperty('set-cookie')
    expect(JSON.parse(received.text).error.message).toContain(model)
  })

  it('in the model name stay data, on the way to the upstream', async () => {
    const model = 'claude-\r\nx-injected: yes'
    await post('/v1/messages', messages({ model }))
    const request = claude.requests.at(-1)
    expect(request?.headers).not.toHaveProperty('x-injected')
    expect(request?.json).toMatchObject({ model })
  })

  it('that are escaped in the path stay escaped', async () => {
    await post('/v1/messages?a=%0d%0ax-injected:%20yes', messages())
    const request = claude.requests.at(-1)
    expect(request?.path).toBe('/v1/messages?a=%0d%0ax-injected:%20yes')
    expect(request?.headers).not.toHaveProperty('x-injected')
  })

  it('in a header value make another header and nothing else', async () => {
    const text = requestText('/v1/messages', messages(), [
      'anthropic-a: one\r\nx-spillway-b: two',
      'connection: close',
    ])
    expect(await answerTo(text)).toMatch(/^HTTP\/1\.1 200 /)
    expect(claude.requests.at(-1)?.headers['anthropic-a']).toBe('one')
    expect(claude.requests.at(-1)?.headers).not.toHaveProperty('x-spillway-b')
  })
})

it.each([
  'POST /v1/messages HT',
  'POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\n',
  'POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000\r\n\r\n{"model": "cl',
  'POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"mod',
])('half a request, silence and leaving disturb nobody: %j', async (text) => {
  const count = claude.requests.length
  const { socket, received } = await openSocket(gateway.url, text)
  await delay(100)
  expect(received()).toBe('')
  socket.destroy()
  await delay(20)
  expect(claude.requests.length).toBe(count)
})

it('many half requests do not keep a whole one waiting', async () => {
  const half = 'POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000\r\n\r\n{"model": "cl'
  const open = await Promise.all(Array.from({ length: 100 }, () => openSocket(gateway.url, half)))
  const { status } = await post('/v1/messages', messages())
  expect(status).toBe(200)
  for (const { socket } of open) socket.destroy()
})

describe('what is not a call', () => {
  it.each(['/healthz', '/readyz', '/'])('is answered: GET %s', async (path) => {
    const { status, text } = await send(`${gateway.url}${path}`, { method: 'GET' })
    expect(status).toBe(200)
    expect(JSON.parse(text)).toBeTypeOf('object')
  })

  it('is answered without a body: HEAD /', async () => {
    const { status, text } = await send(gateway.url, { method: 'HEAD' })
    expect(status).toBe(200)
    expect(text).toBe('')
  })
})
