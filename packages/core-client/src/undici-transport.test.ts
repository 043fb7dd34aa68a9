import { createServer, type Server } from 'node:net'
import {
  brotliCompressSync,
  createGzip,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib'
import { createRequest, type SpillwayError } from '@spillway/middleware'
import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { defaultText, startClaude, startOpenRouter, virtualClock } from '@spillway/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { connectionsDownTo, question, rejection, serve, smallAnswer, turns } from '../test/support.ts'
import { type Client, type ClientOptions, createClient } from './client.ts'
import { ConnectionPool, poolSettings } from './connection-pool.ts'
import { endpointFence, placeAt, undiciTransport } from './undici-transport.ts'

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})
const clientAt = (baseUrl: string, options: Partial<ClientOptions> = {}): Client => {
  const client = createClient({ provider: 'anthropic', baseUrl, credential: 'k', ...options })
  open.push(() => client.close())
  return client
}
/** A TCP server that says nothing, or whatever `greet` does. */
const tcpServer = async (greet: (server: Server) => void = () => {}): Promise<number> => {
  const server = createServer()
  greet(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push(() => server.close())
  return (server.address() as { port: number }).port
}

describe('the base URL', () => {
  it.each([
    ['', '/v1/messages'],
    ['/', '/v1/messages'],
    ['/v1', '/v1/messages'],
    ['/v1/', '/v1/messages'],
    ['/team/a', '/team/a/v1/messages'],
    ['/team/a/v1', '/team/a/v1/messages'],
  ])('ending in "%s" leads to %s, with the query of the call', async (suffix, path) => {
    const seen: (string | undefined)[] = []
    await using upstream = await serve((request, response) => {
      seen.push(request.url)
      response.setHeader('content-type', 'application/json').end(smallAnswer)
    })
    const client = clientAt(upstream.url + suffix)
    await client.complete('Hello')
    await client.fetch('https://api.anthropic.com/v1/messages?beta=true', question())
    expect(seen).toEqual([path, `${path}?beta=true`])
  })
})

describe('a base URL that is more than an address', () => {
  it.each([
    ['http://user:CANARY@host.example', /user or a password.*credential/],
    ['http://:CANARY@host.example/v1', /user or a password/],
    ['https://host.example/v1?key=CANARY', /query or a fragment/],
    ['https://host.example/#CANARY', /query or a fragment/],
    ['http://user:CANARY/x@host.example', /is not a URL/],
    ['CANARY', /is not a URL/],
  ])('is refused in words that do not repeat it: %s', (baseUrl, message) => {
    try {
      createClient({ provider: 'anthropic', baseUrl })
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError)
      expect((error as Error).message).toMatch(message)
      expect({ ...(error as object) }).toEqual({})
      expect((error as Error).message).not.toContain('CANARY')
    }
  })
})

describe('headers of a call', () => {
  it('go out where the protocol defines them, or the owner names them, but for those of the connection', async () => {
    await using claude = await startClaude()
    const headers = {
      'anthropic-of-next-year': 'yes',
      'X-Mine': 'yes',
      'x-theirs': 'no',
      'api-key': 'secret',
      'accept-encoding': 'br',
      connection: 'close',
      host: 'elsewhere.example',
      'content-length': '1',
    }
    const client = clientAt(claude.url, { forwardHeaders: ['x-mine'] })
    await client.fetch(`${claude.url}/v1/messages`, question({ headers }))
    const sent = claude.requests[0]
    expect(sent?.headers).toMatchObject({
      'anthropic-of-next-year': 'yes',
      'x-mine': 'yes',
      'accept-encoding': 'identity',
      host: new URL(claude.url).host,
      'content-length': String(sent?.body.length),
    })
    expect(sent?.headers.connection).not.toBe('close')
    for (const name of ['x-theirs', 'api-key']) expect(sent?.headers).not.toHaveProperty(name)
  })

  it('can have no credential among those that are named', () => {
    expect(() => clientAt('http://127.0.0.1:1', { forwardHeaders: ['Authorization'] })).toThrow(
      'forwardHeaders[0] holds a credential',
    )
  })

  it.each([
    ['anthropic', 'anthropic-beta'],
    ['openrouter', 'x-title'],
    ['openai', 'openai-project'],
  ] as const)('to %s may say what its protocol defines, and nothing of another', async (provider, ofIts) => {
    await using server = await startOpenRouter()
    const client = clientAt(`${server.url}/api`, { provider })
    const headers = {
      ...{ 'user-agent': 'a/1', traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`, baggage: 'user=a' },
      ...{ 'anthropic-beta': 'b', 'x-title': 't', 'openai-project': 'p', 'x-app': 'cli' },
    }
    await client.fetch(`${server.url}/api/v1/chat/completions`, question({ headers }))
    const sent = server.requests[0]?.headers ?? {}
    expect(sent).toHaveProperty('user-agent', 'a/1')
    expect(sent).toHaveProperty('traceparent')
    expect(['anthropic-beta', 'x-title', 'openai-project'].filter((name) => name in sent)).toEqual([ofIts])
    expect(sent).not.toHaveProperty('baggage')
  })
})

describe('the query of a call', () => {
  it('goes out without what may be a key of the caller’s', async () => {
    await using claude = await startClaude()
    await clientAt(claude.url).fetch(`${claude.url}/v1/messages?beta=true&key=secret`, question())
    expect(claude.requests[0]?.path).toBe('/v1/messages?beta=true')
  })
})

describe('an endpoint that cannot be reached', () => {
  const wellFormed = (type: string) => ({ type: 'error', error: { type, message: expect.any(String) } })

  it('is a connection failure when it refuses', async () => {
    const client = clientAt('http://127.0.0.1:1')
    const error = await rejection(client.complete('Hello'))
    expect(error).toMatchObject({
      failure: { kind: 'connection', code: 'ECONNREFUSED', retryable: true, origin: 'upstream' },
    })
    const response = await client.fetch('http://any.example/v1/messages', question())
    expect(response.status).toBe(502)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toMatchObject(wellFormed('api_error'))
  })

  it('is a connection failure when it resets', async () => {
    await using claude = await startClaude()
    claude.always({ type: 'reset' })
    const client = clientAt(claude.url)
    expect(await rejection(client.complete('Hello'))).toMatchObject({ failure: { kind: 'connection' } })
    const response = await client.fetch(`${claude.url}/v1/messages`, question({ stream: true }))
    expect(response.status).toBe(502)
    expect(await response.json()).toMatchObject(wellFormed('api_error'))
  })

  it('is a connection failure when its name is unknown', async () => {
    const { failure } = (await rejection(
      clientAt('http://no-such-host.invalid').complete('Hello'),
    )) as SpillwayError
    expect(failure).toMatchObject({
      kind: 'connection',
      code: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/),
    })
    // A resolver that is unavailable comes back, a name that does not exist stays so.
    expect(failure.retryable).toBe(failure.code === 'EAI_AGAIN')
  })

  it('is a timeout of the connect phase when the connection does not come about', async () => {
    const port = await tcpServer()
    const client = clientAt(`https://127.0.0.1:${port}`, { pool: { connectTimeout: 50 } })
    const error = await rejection(client.complete('Hello'))
    expect(error).toMatchObject({ failure: { kind: 'timeout', phase: 'connect' } })
    const response = await client.fetch('http://any.example/v1/messages', question())
    expect(response.status).toBe(504)
    expect(await response.json()).toMatchObject(wellFormed('timeout_error'))
  })

  it('takes the limit of the connect phase from the timeouts', async () => {
    const port = await tcpServer()
    const client = clientAt(`https://127.0.0.1:${port}`, { timeouts: { connect: 50 } })
    expect(await rejection(client.complete('Hello'))).toMatchObject({ failure: { phase: 'connect' } })
  })

  it('is malformed when it does not speak HTTP', async () => {
    const port = await tcpServer((server) =>
      server.on('connection', (socket) => socket.end('HELO there\r\n\r\n')),
    )
    const error = await rejection(clientAt(`http://127.0.0.1:${port}`).complete('Hello'))
    expect(error).toMatchObject({ failure: { kind: 'malformed', code: expect.stringMatching(/^HPE_/) } })
  })
})

describe('a response that is compressed although nobody asked', () => {
  const compressors: readonly [encoding: string | string[], compress: (text: string) => Buffer][] = [
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['GZip', gzipSync],
    // Without zlib's header.
    ['deflate', deflateRawSync],
    ['gzip, br', (text) => brotliCompressSync(gzipSync(text))],
    ['deflate,gzip', (text) => gzipSync(deflateRawSync(text))],
    ['gzip, identity', gzipSync],
    ['identity, identity', (text) => Buffer.from(text)],
    ['gzip, deflate, zstd', (text) => zstdCompressSync(deflateSync(gzipSync(text)))],
    [['gzip', 'br'], (text) => brotliCompressSync(gzipSync(text))],
  ]

  it.each(compressors)('is decoded from %s', async (encoding, compress) => {
    await using upstream = await serve((_, response) => {
      response.setHeader('content-encoding', encoding)
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(compress(smallAnswer))
    })
    const response = await clientAt(upstream.url).fetch('http://any.example/v1/messages', question())
    expect(await response.text()).toBe(smallAnswer)
    expect(response.headers.has('content-encoding')).toBe(false)
    expect(response.headers.has('content-length')).toBe(false)
  })

  it.each([
    ['an encoding that nobody knows', 'gzip, exi'],
    ['more encodings than anyone needs', 'gzip, gzip, gzip, gzip'],
    ['a name that is none of its own', 'toString'],
  ])('is malformed under %s', async (_, encoding) => {
    await using upstream = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': encoding })
      response.end(smallAnswer)
    })
    await using client = clientAt(upstream.url)
    const error = await rejection(client.complete('Hello'))
    expect(error).toMatchObject({ failure: { kind: 'malformed' } })
  })

  it('is decoded from a stream as it comes', async () => {
    const event =
      'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}\n\n'
    await using upstream = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' })
      const gzip = createGzip()
      gzip.pipe(response)
      gzip.write(event)
      gzip.flush()
    })
    const response = await clientAt(upstream.url).fetch(
      'http://any.example/v1/messages',
      question({ stream: true }),
    )
    const reader = response.body?.getReader()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe(event)
    await reader?.cancel()
  })

  it.each([false, true])(
    'fails the call when it is broken, and closes the connection (stream: %s)',
    async (stream) => {
      const { promise: closed, resolve } = Promise.withResolvers<void>()
      await using upstream = await serve((_, response) => {
        const type = stream ? 'text/event-stream' : 'application/json'
        response.writeHead(200, { 'content-type': type, 'content-encoding': 'gzip' })
        response.write('this is no gzip')
        response.on('close', resolve)
      })
      const response = await clientAt(upstream.url).fetch(
        'http://any.example/v1/messages',
        question({ stream }),
      )
      expect(response.status).toBe(502)
      expect(await response.json()).toMatchObject({ type: 'error' })
      await closed
    },
  )

  it('fails the call when it is cut short', async () => {
    await using upstream = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      response.end(gzipSync(smallAnswer).subarray(0, 60))
    })
    const response = await clientAt(upstream.url).fetch('http://any.example/v1/messages', question())
    expect(response.status).toBe(502)
  })
})

describe('a body that nobody reads', () => {
  it('does not hold the connection when it is whole', async () => {
    await using claude = await startClaude()
    const client = clientAt(claude.url)
    for (let i = 0; i < 5; i++) {
      await client.fetch(`${claude.url}/v1/messages`, question())
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(claude.connections).toBe(1)
  })

  it('is cancelled after five minutes', async () => {
    await using claude = await startClaude({ reply: { text: 'word '.repeat(200_000) } })
    const clock = virtualClock()
    const client = clientAt(claude.url, { clock })
    const response = client.fetch(`${claude.url}/v1/messages`, question({ stream: true }))
    expect((await response).status).toBe(200)
    // Until the reader's side is full and the upstream waits.
    await turns(40)
    await clock.advance(299_000)
    expect(claude.connections).toBe(1)
    await clock.advance(301_000)
    await claude.requests[0]?.closedByPeer
    await connectionsDownTo(claude, 0)
  })
})

it('hands on as one what has come as one', async () => {
  const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`
  const delta = (text: string): string =>
    `event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"${text}"}}\n\n`
  const more = Promise.withResolvers<void>()
  const port = await tcpServer((server) =>
    server.on('connection', (socket) => {
      socket.on('error', () => {})
      socket.once('data', async () => {
        socket.write(
          `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n${chunk(delta('one'))}`,
        )
        await more.promise
        socket.write(chunk(delta('two')) + chunk(delta('three')) + chunk(delta('four').slice(0, 40)))
      })
    }),
  )
  const client = clientAt(`http://127.0.0.1:${port}`)
  const response = await client.fetch('https://api.anthropic.com/v1/messages', question({ stream: true }))
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const next = async (): Promise<string> => Buffer.from((await reader.read()).value ?? []).toString()
  expect(await next()).toBe(delta('one'))
  more.resolve()
  expect(await next()).toBe(delta('two') + delta('three'))
  await reader.cancel()
})

it('tells its sink what the sink itself has thrown, and closes the connection', async () => {
  const closed = Promise.withResolvers<void>()
  await using upstream = await serve((_request, response) => {
    response.on('close', closed.resolve)
    response.writeHead(200, { 'content-type': 'application/json' }).write('{')
  })
  const pool = new ConnectionPool(poolSettings())
  open.push(() => pool.close())
  const transport = undiciTransport(pool, placeAt(upstream.url), endpointFence('anthropic', undefined))
  const request = createRequest({
    ...{ api: 'anthropic', model: 'm', stream: false, url: '/v1/messages' },
    body: jsonBodyFromObject({ model: 'm' }),
  })
  const defect = new Error('a defect')
  const heard = await new Promise((resolve) => {
    transport(request, {
      headers() {},
      data() {
        throw defect
      },
      end: () => resolve('an end'),
      error: resolve,
      fault: resolve,
    })
  })
  expect(heard).toBe(defect)
  await closed.promise
})

describe('a slow reader', () => {
  it('gets a large stream whole', async () => {
    const text = `${'word '.repeat(200_000)}end`
    await using claude = await startClaude({ reply: { text } })
    const response = await clientAt(claude.url).fetch(`${claude.url}/v1/messages`, question({ stream: true }))
    let bytes = 0
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length
      if (bytes % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    expect(bytes).toBe(claude.requests[0]?.sent.length)
  })
})

it('answers with the default text', async () => {
  await using claude = await startClaude()
  expect((await clientAt(claude.url).complete('Hello')).text).toBe(defaultText)
})
