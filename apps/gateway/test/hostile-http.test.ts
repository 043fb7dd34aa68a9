import type { Socket } from 'node:net'
import { startClaude } from '@spillway/testing'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { AnsweredCall } from '../src/index.ts'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { messages, send } from './raw-client.ts'
import {
  httpText,
  type RawUpstream,
  rawUpstream,
  streamEvents,
  streamHead,
  wholeAnswer,
} from './raw-upstream.ts'

/** A gateway before an upstream that does this, and without a fallback, so that its own words are seen. */
async function before(answer: (socket: Socket) => void, more: object = {}) {
  const upstream = await rawUpstream(answer)
  const calls: AnsweredCall[] = []
  const config = configOf(targetAt(upstream, 'anthropic'), undefined, {
    circuitBreaker: { enabled: false },
    ...more,
  })
  return { upstream, gateway: await gatewayOf(config, calls), calls }
}

/** Writes this for as long as the other side takes it. */
function flood(socket: Socket, text: string | Uint8Array): void {
  const write = (): void => {
    while (socket.writable && socket.write(text));
  }
  socket.on('drain', write)
  write()
}

const closed = (upstream: RawUpstream) => vi.waitFor(() => expect(upstream.open).toBe(0), { timeout: 5_000 })

const json = { 'content-type': 'application/json' }
const head = (status: string, ...lines: string[]): string =>
  [`HTTP/1.1 ${status}`, 'content-type: application/json', ...lines, '', ''].join('\r\n')
const length = `content-length: ${wholeAnswer.length}`

// Whatever comes, nobody may hear of it as a defect of the gateway.
const defects = vi.spyOn(console, 'error')
beforeEach(() => {
  defects.mockClear()
  return () => expect(defects).not.toHaveBeenCalled()
})

describe('an answer that is no good HTTP', () => {
  it.each<[string, string | Uint8Array, string]>([
    ['no HTTP at all', wholeAnswer, 'malformed'],
    ['a header of 1 MB', head('200 OK', `x: ${'a'.repeat(1e6)}`, length) + wholeAnswer, 'malformed'],
    [
      '100,000 headers',
      head('200 OK', ...new Array(100_000).fill('a: b'), length) + wholeAnswer,
      'malformed',
    ],
    ['a control character in a header', head('200 OK', 'x: a\u0001b', length) + wholeAnswer, 'malformed'],
    ['a header over two lines', head('200 OK', 'x: a\r\n b', length) + wholeAnswer, 'malformed'],
    ['a status of four digits', head('1000 Odd', length) + wholeAnswer, 'malformed'],
    ['a status below 100', head('099 Odd', length) + wholeAnswer, 'malformed'],
    [
      'a switch of protocols that nobody asked for',
      head('101 Switching', 'upgrade: websocket', 'connection: upgrade'),
      'connection',
    ],
    ['101 as if it were an answer', head('101 Switching', length) + wholeAnswer, 'malformed'],
    ['less than its length', head('200 OK', 'content-length: 10000') + wholeAnswer, 'connection'],
    ['more than its length', head('200 OK', 'content-length: 10') + wholeAnswer, 'malformed'],
    ['a negative length', head('200 OK', 'content-length: -1') + wholeAnswer, 'malformed'],
    ['two lengths', head('200 OK', length, 'content-length: 5') + wholeAnswer, 'malformed'],
    [
      'a length beside chunks',
      `${head('200 OK', 'content-length: 5', 'transfer-encoding: chunked')}2\r\n{}\r\n0\r\n\r\n`,
      'malformed',
    ],
    [
      'a chunk of no length',
      `${head('200 OK', 'transfer-encoding: chunked')}zz\r\n{}\r\n0\r\n\r\n`,
      'malformed',
    ],
    ['nothing', '', 'connection'],
    ['no body', head('200 OK', 'content-length: 0'), 'malformed'],
    ['a status that has none', head('204 None'), 'malformed'],
    ['a body behind a status that has none', head('205 None', length) + wholeAnswer, 'malformed'],
    ['not modified', head('304 Same', length) + wholeAnswer, 'server'],
    ['a redirect', head('307 There', 'location: http://127.0.0.1:1/', length) + wholeAnswer, 'server'],
    ['a status of the future', head('999 Odd', length) + wholeAnswer, 'server'],
  ])('is a failure with a name: %s', async (_what, bytes, kind) => {
    const { gateway, calls } = await before((socket) => socket.end(bytes))
    for (const stream of [false, true]) {
      const received = await send(`${gateway.url}/v1/messages`, { body: messages({ stream }) })
      expect([received.status, received.ended]).toEqual([502, 'end'])
      expect(JSON.parse(received.text)).toMatchObject({ type: 'error', error: { type: 'api_error' } })
      expect(received.headers).not.toHaveProperty('location')
      expect(calls.at(-1)?.response.failure).toMatchObject({ kind, origin: 'upstream', scope: 'endpoint' })
    }
  })

  it('in a header that is no text reaches the caller as it is', async () => {
    const bytes = Buffer.from(`${head('200 OK', 'x-note: caf\u00e9\u00ff', length)}${wholeAnswer}`, 'latin1')
    const { gateway } = await before((socket) => socket.end(bytes))
    const received = await send(`${gateway.url}/v1/messages`, { body: messages() })
    expect([received.status, received.headers['x-note'], received.text]).toEqual([
      200,
      'caf\u00e9\u00ff',
      wholeAnswer,
    ])
  })
})

describe('an upstream that never comes to the point', () => {
  const quick = { timeouts: { total: '1s', firstContent: '1s', idle: '1s' } }

  it.each<[string, (socket: Socket) => void, boolean, string]>([
    ['says nothing', () => {}, false, 'timeout'],
    [
      'sends its headers a byte at a time',
      (socket) => {
        const timer = setInterval(() => socket.write('a'), 50)
        socket.on('close', () => clearInterval(timer))
        socket.write('HTTP/1.1 200 OK\r\nx: ')
      },
      false,
      'timeout',
    ],
    [
      'sends interim responses',
      (socket) => flood(socket, 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(100)),
      false,
      'malformed',
    ],
    [
      'sends interim responses',
      (socket) => flood(socket, 'HTTP/1.1 103 Hints\r\nlink: a\r\n\r\n'.repeat(100)),
      true,
      'malformed',
    ],
    [
      'sends a head and no body',
      (socket) => void socket.write(head('200 OK', 'content-length: 100')),
      false,
      'timeout',
    ],
    ['sends a head and no event', (socket) => void socket.write(streamHead), true, 'timeout'],
    [
      'sends comments before the first event',
      (socket) => flood(socket, `${streamHead}${': a\n\n'.repeat(10_000)}`),
      true,
      'malformed',
    ],
    [
      'sends comments of one line',
      (socket) => flood(socket, `${streamHead}${': a\n'.repeat(10_000)}`),
      true,
      'malformed',
    ],
    [
      'sends tiny events',
      (socket) => {
        socket.write(streamHead)
        flood(socket, 'data:a\n\n'.replace('a', '{}').repeat(10_000))
      },
      true,
      'malformed',
    ],
    [
      'sends one event without end',
      (socket) => {
        socket.write(`${streamHead}event: message_start\ndata: "`)
        flood(socket, 'a'.repeat(65_536))
      },
      true,
      'malformed',
    ],
    [
      'sends data lines without end',
      (socket) => {
        socket.write(`${streamHead}event: message_start\n`)
        flood(socket, 'data: a\n'.repeat(10_000))
      },
      true,
      'malformed',
    ],
    [
      'sends white space for an answer',
      (socket) => {
        socket.write(head('200 OK', 'connection: close'))
        flood(socket, ' '.repeat(65_536))
      },
      false,
      'malformed',
    ],
  ])('%s: fails within its limits', async (_what, answer, stream, kind) => {
    const limits = kind === 'timeout' ? quick : { timeouts: { total: '15s', firstContent: '15s' } }
    const { upstream, gateway, calls } = await before(answer, limits)
    const rss = process.memoryUsage().rss
    const received = await send(`${gateway.url}/v1/messages`, { body: messages({ stream }) })
    expect([received.status, received.ended]).toEqual([kind === 'timeout' ? 504 : 502, 'end'])
    expect(calls[0]?.response.failure).toMatchObject({ kind, origin: 'upstream' })
    expect(process.memoryUsage().rss - rss).toBeLessThan(400e6)
    await closed(upstream)
  })
})

describe('an error', () => {
  const error = JSON.stringify({ type: 'error', error: { type: 'rate_limit_error', message: 'Slow down' } })
  const limited = (lines: string[] = []) => head('429 Slow', 'retry-after: 7', 'connection: close', ...lines)

  it.each<[string, (socket: Socket) => void]>([
    [
      'of 64 MB',
      (socket) => {
        socket.write(limited())
        flood(socket, 'a'.repeat(65_536))
      },
    ],
    ['that never ends', (socket) => void socket.write(limited(['content-length: 500']) + error.slice(0, 20))],
    ['that breaks', (socket) => void socket.end(limited(['content-length: 500']) + error.slice(0, 20))],
    [
      'that is not encoded as it says',
      (socket) => void socket.end(limited(['content-encoding: gzip']) + error),
    ],
  ])('%s is told by its status', async (_what, answer) => {
    const { upstream, gateway, calls } = await before(answer)
    const began = Date.now()
    const received = await send(`${gateway.url}/v1/messages`, { body: messages() })
    expect([received.status, received.headers['retry-after'], received.ended]).toEqual([429, '7', 'end'])
    expect(JSON.parse(received.text)).toMatchObject({ type: 'error', error: { type: 'rate_limit_error' } })
    expect(calls[0]?.response.failure).toMatchObject({ kind: 'rate_limited', retryAfterMs: 7_000 })
    expect(Date.now() - began).toBeLessThan(8_000)
    await closed(upstream)
  })

  it('of a megabyte passes as it is', async () => {
    const error = { type: 'api_error', message: 'a'.repeat(1_000_000) }
    const body = JSON.stringify({ type: 'error', error })
    const { gateway } = await before((socket) => socket.end(httpText(500, json, body)))
    const received = await send(`${gateway.url}/v1/messages`, { body: messages() })
    expect([received.status, received.text === body]).toEqual([500, true])
  })
})

it('a stream that goes on with one event without end is broken off with an error event', async () => {
  const { upstream, gateway } = await before((socket) => {
    socket.write(streamHead + streamEvents.start + streamEvents.open + streamEvents.text('Hello'))
    flood(socket, `data: ${'a'.repeat(65_536)}\n`)
  })
  const rss = process.memoryUsage().rss
  const received = await send(`${gateway.url}/v1/messages`, { body: messages({ stream: true }) })
  expect([received.status, received.ended]).toEqual([200, 'end'])
  expect(received.text).toMatch(/Hello.*\n\nevent: error\ndata: .*too long/)
  expect(process.memoryUsage().rss - rss).toBeLessThan(300e6)
  await closed(upstream)
})

it('the fallback answers whatever of this comes', async () => {
  const upstream = await rawUpstream((socket) => socket.end(head('101 Switching', length) + wholeAnswer))
  const healthy = forThisTest(await startClaude({ reply: { text: 'From the fallback.' } }))
  const gateway = await gatewayOf(configOf(targetAt(upstream, 'anthropic'), targetAt(healthy, 'anthropic')))
  const received = await send(`${gateway.url}/v1/messages`, { body: messages() })
  expect([received.status, received.headers['x-spillway-fallback']]).toEqual([200, 'malformed'])
})
