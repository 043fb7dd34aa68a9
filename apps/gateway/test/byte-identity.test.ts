import { type Fault, startClaude, startOpenRouter } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { chat, messages, type Received, send } from './raw-client.ts'

/** Sends a call through a gateway to a server with a fault; what came back and what the server had sent. */
async function pass(
  fault: Fault | undefined,
  body: object,
  path = '/v1/messages',
): Promise<{ received: Received; sent: Buffer }> {
  const isChat = path.includes('/chat/')
  const text = 'Bytes, Zürich, 日本語 and 🎉 pass as they are.'
  const reply = { thinking: 'Two thoughts.', text, toolUse: [{ name: 'count', input: { to: 3 } }] }
  const server = forThisTest(await (isChat ? startOpenRouter : startClaude)({ reply }))
  server.always(fault)
  const gateway = await gatewayOf(configOf(targetAt(server, isChat ? 'openrouter' : 'anthropic')))
  const received = await send(`${gateway.url}${path}`, { body })
  return { received, sent: Buffer.from(server.requests[0]?.sent ?? []) }
}

function expectSameBytes({ received, sent }: { received: Received; sent: Buffer }): void {
  expect(sent.length).toBeGreaterThan(0)
  expect(received.text).toBe(sent.toString())
  expect(received.bytes.equals(sent)).toBe(true)
  expect(received.ended).toBe('end')
}

const drips: readonly (readonly [string, Fault | undefined])[] = [
  ['whole', undefined],
  ...[1, 3, 7, 61, 997].map(
    (bytes) => [`in drips of ${bytes}`, { type: 'drip', bytes, everyMs: 0 }] as const,
  ),
]

describe('a healthy answer', () => {
  it.each(drips)('that is JSON passes byte for byte, %s', async (_, fault) => {
    const result = await pass(fault, messages())
    expectSameBytes(result)
    expect(result.received.headers['content-length']).toBe(String(result.sent.length))
  })

  it.each(drips)('that is a stream passes byte for byte, %s', async (_, fault) => {
    const result = await pass(fault, messages({ stream: true }))
    expectSameBytes(result)
    expect(result.received.headers['content-type']).toMatch(/^text\/event-stream/)
    expect(result.received.text).toContain('event: message_stop')
  })

  it.each(drips)('of the other protocol passes byte for byte, %s', async (_, fault) => {
    expectSameBytes(await pass(fault, chat({ stream: true }), '/v1/chat/completions'))
    expectSameBytes(await pass(fault, chat(), '/v1/chat/completions'))
  })

  it('to a token count passes byte for byte', async () => {
    const { max_tokens: _, ...body } = messages()
    expectSameBytes(await pass(undefined, body, '/v1/messages/count_tokens'))
  })

  it('with large pieces passes byte for byte', async () => {
    const server = forThisTest(await startClaude({ reply: { text: 'ü'.repeat(3_000_000) }, chunks: 40 }))
    const gateway = await gatewayOf(configOf(targetAt(server, 'anthropic')))
    for (const stream of [true, false]) {
      const received = await send(`${gateway.url}/v1/messages`, { body: messages({ stream }) })
      expect(received.bytes.equals(Buffer.from(server.requests.at(-1)?.sent ?? []))).toBe(true)
    }
  })
})

const errors: readonly (readonly [string, number, Fault])[] = [
  ['an invalid request', 400, { type: 'status', status: 400, message: 'thinking.type: wrong “word”' }],
  ['a wrong key', 401, { type: 'status', status: 401 }],
  ['a limit', 429, { type: 'status', status: 429, retryAfter: 12 }],
  ['overload', 529, { type: 'status', status: 529 }],
  [
    'a page of a load balancer',
    502,
    {
      type: 'status',
      status: 502,
      body: '<html>\r\n<h1>Bad Gateway</h1>\r\n</html>\n',
      contentType: 'text/html',
    },
  ],
  [
    'JSON of an odd layout',
    500,
    {
      type: 'status',
      status: 500,
      body: '{ "type" :"error",\n "error": {"type":"api_error", "message":"No",\n "extra":[1.0] }}',
    },
  ],
]

describe.each([false, true])('an error body, with stream: %s,', (stream) => {
  it.each(errors)('for %s passes byte for byte, with its status', async (_, status, fault) => {
    const result = await pass(fault, messages({ stream }))
    expectSameBytes(result)
    expect(result.received.status).toBe(status)
  })
})

it('an error body keeps its content type and retry-after', async () => {
  const { received } = await pass({ type: 'status', status: 429, retryAfter: 12 }, messages())
  expect(received.headers).toMatchObject({ 'content-type': 'application/json', 'retry-after': '12' })
})
