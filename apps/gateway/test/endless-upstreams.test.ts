import type { Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { startClaude } from '@spillway/testing'
import { describe, expect, it, vi } from 'vitest'
import type { AnsweredCall } from '../src/index.ts'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { chat, messages, send } from './raw-client.ts'
import {
  httpText,
  type RawUpstream,
  rawUpstream,
  streamEvents,
  streamHead,
  wholeAnswer,
  wholeStream,
} from './raw-upstream.ts'

/** A gateway before this upstream, with a healthy one behind it, which keeps no call from its upstream. */
async function before(upstream: RawUpstream, more: object = {}, api = 'anthropic') {
  const calls: AnsweredCall[] = []
  const healthy = forThisTest(await startClaude({ reply: { text: 'From the fallback.' } }))
  const config = configOf(targetAt(upstream, api), targetAt(healthy, 'anthropic'), {
    circuitBreaker: { enabled: false },
    ...more,
  })
  return { gateway: await gatewayOf(config, calls), calls }
}

/** Writes this text again and again, as fast as the other side takes it, or each so many milliseconds. */
function repeat(socket: Socket, text: string | Uint8Array, everyMs = 0): void {
  const write = (): void => {
    while (socket.writable && socket.write(text));
  }
  if (everyMs === 0) {
    socket.on('drain', write)
    return write()
  }
  const timer = setInterval(() => socket.writable && socket.write(text), everyMs)
  socket.on('close', () => clearInterval(timer))
}

const chunk = (choices: object[], more = {}) => `data: ${JSON.stringify({ id: 'c', choices, ...more })}\n\n`
const openaiStream = [
  chunk([{ index: 0, delta: { role: 'assistant', content: 'Hello' }, finish_reason: null }]),
  chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]),
  ': OPENROUTER PROCESSING\n\n',
  chunk([], { usage: { prompt_tokens: 3, completion_tokens: 2 } }),
  'data: [DONE]\n\n',
].join('')

describe('a stream that goes on after its end', () => {
  it.each([
    ['pings', '/v1/messages', messages({ stream: true }), wholeStream, streamEvents.ping],
    ['comments', '/v1/messages', messages({ stream: true }), wholeStream, ': alive\n\n'],
    ['another message', '/v1/messages', messages({ stream: true }), wholeStream, wholeStream],
    [
      'comments',
      '/v1/chat/completions',
      chat({ stream: true, stream_options: { include_usage: true } }),
      openaiStream,
      ': alive\n\n',
    ],
  ])(
    'with %s on %s ends for the caller, byte for byte, and its slot is free',
    async (_more, path, body, text, more) => {
      const upstream = await rawUpstream((socket) => {
        socket.write(streamHead + text)
        repeat(socket, more, 20)
      })
      const api = path === '/v1/messages' ? 'anthropic' : 'openai'
      const { gateway, calls } = await before(upstream, { rateLimit: { concurrency: 1, maxWait: '0s' } }, api)
      for (let call = 0; call < 3; call++) {
        const received = await send(`${gateway.url}${path}`, { body })
        expect([received.status, received.ended, received.text]).toEqual([200, 'end', text])
        expect(received.headers['x-spillway-served-by']).toBe('claude')
        expect(await calls[call]?.response.outcome).toMatchObject({ failure: undefined })
      }
      await vi.waitFor(() => expect(upstream.open).toBe(0), { timeout: 5_000 })
    },
  )

  it('leaves its connection for the next call where it ends in time', async () => {
    const upstream = await rawUpstream((socket) => {
      const head = streamHead.replace('connection: close', 'transfer-encoding: chunked')
      socket.write(`${head}${wholeStream.length.toString(16)}\r\n${wholeStream}\r\n`)
      setTimeout(() => socket.write('5\r\n: by\n\r\n0\r\n\r\n'), 20)
    })
    const { gateway } = await before(upstream)
    for (let call = 0; call < 3; call++) {
      const body = messages({ stream: true })
      expect((await send(`${gateway.url}/v1/messages`, { body })).text).toBe(wholeStream)
      await new Promise((resolve) => setTimeout(resolve, 60))
    }
    expect([upstream.requests, upstream.accepted]).toEqual([3, 1])
  })
})

describe('a call without stream that is answered with one', () => {
  it('gets the answer that it has asked for', async () => {
    const upstream = await rawUpstream((socket) => socket.end(streamHead + wholeStream))
    const { gateway, calls } = await before(upstream)
    const received = await send(`${gateway.url}/v1/messages`, { body: messages() })
    expect([received.status, received.headers['content-type']]).toEqual([200, 'application/json'])
    expect(JSON.parse(received.text)).toEqual(JSON.parse(wholeAnswer))
    expect(received.headers['x-spillway-served-by']).toBe('claude')
    expect(await calls[0]?.response.outcome).toMatchObject({ usage: { inputTokens: 12, outputTokens: 15 } })
  })

  it('gets it in its own protocol, too', async () => {
    const upstream = await rawUpstream((socket) => socket.end(streamHead + openaiStream))
    const { gateway } = await before(upstream, {}, 'openai')
    const received = await send(`${gateway.url}/v1/messages`, {
      body: messages({ model: 'claude-haiku-4-5' }),
    })
    expect(JSON.parse(received.text)).toMatchObject({
      type: 'message',
      content: [{ type: 'text', text: 'Hello' }],
      usage: { input_tokens: 3, output_tokens: 2 },
    })
  })

  it('gets it although the upstream goes on', async () => {
    const upstream = await rawUpstream((socket) => {
      socket.write(streamHead + wholeStream)
      repeat(socket, streamEvents.ping, 20)
    })
    const { gateway } = await before(upstream)
    const received = await send(`${gateway.url}/v1/messages`, { body: messages() })
    expect(JSON.parse(received.text)).toEqual(JSON.parse(wholeAnswer))
    await vi.waitFor(() => expect(upstream.open).toBe(0), { timeout: 5_000 })
  })

  const beginning = streamEvents.start + streamEvents.open + streamEvents.text('Hello')
  it.each([
    ['breaks off', (socket: Socket) => void socket.end(streamHead + beginning), 'truncated'],
    [
      'is reset',
      // It has no length, so that a reset ends it like anything else.
      (socket: Socket) => void socket.write(streamHead + beginning, () => socket.resetAndDestroy()),
      'truncated',
    ],
    [
      'only pings',
      (socket: Socket) => {
        socket.write(streamHead + beginning)
        repeat(socket, streamEvents.ping, 20)
      },
      'timeout',
    ],
    [
      'goes on for ever',
      (socket: Socket) => {
        socket.write(streamHead + beginning)
        repeat(socket, streamEvents.text('a'.repeat(1_000)).repeat(50))
      },
      'malformed',
    ],
    [
      'opens blocks for ever',
      (socket: Socket) => {
        socket.write(streamHead + streamEvents.start)
        repeat(socket, streamEvents.open.repeat(500))
      },
      'malformed',
    ],
  ])('is answered by the fallback when it %s', async (_name, answer, kind) => {
    const upstream = await rawUpstream(answer)
    const { gateway } = await before(upstream, { timeouts: { total: '6s', idle: '1s' } })
    const rss = process.memoryUsage().rss
    const received = await send(`${gateway.url}/v1/messages`, { body: messages() })
    expect([received.status, received.headers['x-spillway-fallback']]).toEqual([200, kind])
    expect(received.text).toContain('From the fallback.')
    expect(process.memoryUsage().rss - rss).toBeLessThan(500e6)
    await vi.waitFor(() => expect(upstream.open).toBe(0), { timeout: 5_000 })
  })

  it('has an error with words where there is no fallback', async () => {
    const upstream = await rawUpstream((socket) => socket.end(streamHead + beginning))
    const gateway = await gatewayOf(configOf(targetAt(upstream, 'anthropic')))
    const received = await send(`${gateway.url}/v1/messages`, { body: messages() })
    expect([received.status, received.ended]).toEqual([502, 'end'])
    expect(JSON.parse(received.text)).toMatchObject({ type: 'error', error: { type: 'api_error' } })
  })
})

describe('an answer that is more than it looks', () => {
  const bomb = gzipSync(Buffer.alloc(300e6, 0x20))

  it.each([
    ['application/json', false, 200, 'malformed'],
    ['text/event-stream', false, 200, 'malformed'],
    ['text/event-stream', true, 200, 'malformed'],
    ['application/json', true, 500, 'server'],
  ])(
    'is broken off at its size when it is decoded: %s, stream: %s, %i',
    async (type, stream, status, kind) => {
      const headers = { 'content-type': type, 'content-encoding': 'gzip' }
      const upstream = await rawUpstream((socket) => socket.end(httpText(status, headers, bomb)))
      const { gateway } = await before(upstream)
      const rss = process.memoryUsage().rss
      const received = await send(`${gateway.url}/v1/messages`, { body: messages({ stream }) })
      expect([received.status, received.headers['x-spillway-fallback']]).toEqual([200, kind])
      expect(process.memoryUsage().rss - rss).toBeLessThan(250e6)
    },
  )

  it('may come byte by byte', async () => {
    const upstream = await rawUpstream((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n')
      repeat(socket, '1\r\n \r\n'.repeat(10_000))
    })
    const { gateway } = await before(upstream, { timeouts: { total: '8s' } })
    const rss = process.memoryUsage().rss
    const received = await send(`${gateway.url}/v1/messages`, { body: messages() })
    expect(received.headers['x-spillway-fallback']).toMatch(/^(malformed|timeout)$/)
    expect(process.memoryUsage().rss - rss).toBeLessThan(400e6)
  })
})

describe('an answer of countless small values', () => {
  const values = `[${new Array(4_000_000).fill('{"a":0}').join(',')}]`
  const answers: readonly [string, boolean, string | Uint8Array][] = [
    [
      'whole',
      false,
      httpText(
        200,
        { 'content-type': 'application/json' },
        wholeAnswer.replace('[', `${values},"content":[`),
      ),
    ],
    [
      'in an event',
      true,
      `${streamHead}event: message_start\ndata: {"type":"message_start","x":${values}}\n\n`,
    ],
    [
      'in an event that nobody has asked for',
      false,
      `${streamHead}event: message_start\ndata: {"x":${values}}\n\n`,
    ],
  ]

  it.each(answers)(
    'does not hold up other calls, and is answered by the fallback: %s',
    async (_how, stream, bytes) => {
      const upstream = await rawUpstream((socket) => socket.end(bytes))
      const { gateway } = await before(upstream)
      const rss = process.memoryUsage().rss
      const received = await send(`${gateway.url}/v1/messages`, { body: messages({ stream }) })
      expect([received.status, received.headers['x-spillway-fallback']]).toEqual([200, 'malformed'])
      // Parsed, they take half a gigabyte.
      expect(process.memoryUsage().rss - rss).toBeLessThan(300e6)
    },
  )
})
