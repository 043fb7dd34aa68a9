import { type Fault, startClaude, startOpenRouter } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { chat, eventsOf, messages, type Received, send } from './raw-client.ts'

const idle = '300ms'

/** Streams from a server with a fault that comes after content, with a healthy second target behind it. */
async function stream(
  api: 'anthropic' | 'openai',
  fault: Fault,
): Promise<{ received: Received; sent: string; others: number }> {
  const start = api === 'anthropic' ? startClaude : startOpenRouter
  const server = forThisTest(await start({ separateWrites: true }))
  const second = forThisTest(await start())
  server.always(fault)
  const name = api === 'anthropic' ? api : 'openrouter'
  const config = configOf(targetAt(server, name), targetAt(second, name), { timeouts: { idle } })
  const gateway = await gatewayOf(config)
  const received =
    api === 'anthropic'
      ? await send(`${gateway.url}/v1/messages`, { body: messages({ stream: true }) })
      : await send(`${gateway.url}/v1/chat/completions`, { body: chat({ stream: true }) })
  const sent = Buffer.from(server.requests[0]?.sent ?? []).toString()
  return { received, sent, others: second.requests.length }
}

const breaks: readonly (readonly [string, Fault, RegExp])[] = [
  ['ends too early', { type: 'cut', at: 'after-content', how: 'end' }, /before it was complete/],
  ['is reset', { type: 'cut', at: 'after-content', how: 'reset' }, /connection to the upstream failed/],
  ['ends in the middle of an event', { type: 'cut', at: 'mid-event', how: 'end' }, /before it was complete/],
  ['is reset in the middle of an event', { type: 'cut', at: 'mid-event', how: 'reset' }, /connection/],
  ['stalls', { type: 'stall', afterChunks: 3, ms: Infinity }, /nothing more arrived within 300 ms/],
]

describe.each(breaks)('a stream that %s after content', (_, fault, reason) => {
  it('ends with an error event in Anthropic’s words', async () => {
    const { received } = await stream('anthropic', fault)
    expect(received.status).toBe(200)
    const events = eventsOf(received.text)
    const last = events.at(-1)
    expect(last).toMatchObject({ name: 'error', data: { type: 'error' } })
    expect(last?.data.error.message).toMatch(reason)
    expect(events.map(({ name }) => name)).toContain('content_block_delta')
    expect(events.map(({ name }) => name)).not.toContain('message_stop')
  })

  it('ends with an error event in OpenAI’s words', async () => {
    const { received } = await stream('openai', fault)
    expect(received.status).toBe(200)
    const events = received.text.split('\n\n').filter((event) => event.startsWith('data: '))
    const last = JSON.parse(events.at(-1)?.slice(6) ?? 'null')
    expect(last.error.message).toMatch(reason)
    expect(events.length).toBeGreaterThan(1)
    expect(received.text).not.toContain('[DONE]')
  })

  it('shows everything whole that came before, unchanged', async () => {
    const { received, sent } = await stream('anthropic', fault)
    const before = received.text.slice(0, received.text.lastIndexOf('event: error'))
    expect(before.length).toBeGreaterThan(0)
    expect(sent.startsWith(before)).toBe(true)
  })

  it('is not begun again by another target', async () => {
    expect((await stream('anthropic', fault)).others).toBe(0)
  })
})

describe('an error event of the upstream’s own after content', () => {
  const fault: Fault = { type: 'error-in-200', at: 'after-content', errorType: 'overloaded_error' }

  it('is the last event and passes byte for byte', async () => {
    const { received, sent } = await stream('anthropic', fault)
    expect(received.text).toBe(sent)
    expect(eventsOf(received.text).at(-1)).toMatchObject({
      name: 'error',
      data: { error: { type: 'overloaded_error' } },
    })
  })

  it('of the other protocol ends the stream too', async () => {
    const { received } = await stream('openai', { type: 'error-in-200', at: 'after-content' })
    const last = received.text.split('\n\n').findLast((event) => event.startsWith('data: '))
    expect(JSON.parse(last?.slice(6) ?? 'null')).toHaveProperty('error')
  })
})

const early: readonly (readonly [string, Fault])[] = [
  ['ends', { type: 'cut', at: 'before-content', how: 'end' }],
  ['is reset', { type: 'cut', at: 'before-content', how: 'reset' }],
  ['reports an error', { type: 'error-in-200', at: 'before-content' }],
  ['reports an error at once', { type: 'error-in-200', at: 'start' }],
  ['is empty', { type: 'malformed', how: 'empty' }],
  ['is a page', { type: 'malformed', how: 'html' }],
]

it.each(early)('a stream that %s before content is answered by the next target', async (_, fault) => {
  const { received, others } = await stream('anthropic', fault)
  expect(received.headers['x-spillway-served-by']).toBe('local')
  expect(eventsOf(received.text).at(-1)?.name).toBe('message_stop')
  expect(others).toBe(1)
})

describe('when all targets fail before content', () => {
  it('the first one’s error is the answer, with its status', async () => {
    const first = forThisTest(await startClaude())
    const second = forThisTest(await startClaude())
    first.always({ type: 'status', status: 529, message: 'the first is overloaded' })
    second.always({ type: 'status', status: 500 })
    const config = configOf(targetAt(first, 'anthropic'), targetAt(second, 'anthropic'))
    const gateway = await gatewayOf(config)
    const received = await send(`${gateway.url}/v1/messages`, { body: messages({ stream: true }) })
    expect(received.status).toBe(529)
    expect(received.bytes.equals(Buffer.from(first.requests[0]?.sent ?? []))).toBe(true)
    expect(received.headers).toMatchObject({ 'x-spillway-served-by': 'claude', 'x-spillway-attempts': '2' })
    expect(received.headers).not.toHaveProperty('x-spillway-fallback')
  })

  it('a stalled stream is a 504 in the caller’s protocol, not a 200', async () => {
    const first = forThisTest(await startClaude())
    first.always({ type: 'slow-first-token', ms: Infinity })
    const gateway = await gatewayOf(
      configOf(targetAt(first, 'anthropic'), undefined, { timeouts: { firstContent: '200ms' } }),
    )
    const received = await send(`${gateway.url}/v1/messages`, { body: messages({ stream: true }) })
    expect(received.status).toBe(504)
    expect(JSON.parse(received.text)).toMatchObject({ type: 'error', error: { type: 'timeout_error' } })
  })
})
