import Anthropic from '@anthropic-ai/sdk'
import { defaultText, type SimulatedServer, startClaude } from '@spillway/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { anthropicMiddleware, anthropicOptions, type Client, createClient } from '../src/index.ts'
import { connectionsDownTo, readAll, rejection } from './support.ts'

const hello: Anthropic.MessageCreateParamsNonStreaming = {
  model: 'claude-opus-5-5',
  max_tokens: 1024,
  messages: [{ role: 'user', content: 'Hello' }],
}
const gateCall = {
  thinking: 'Is the dam full? It is.',
  text: 'Opening.',
  toolUse: [{ id: 'toolu_1', name: 'open_gate', input: { gate: 3, note: 'größer als "nötig"' } }],
}
const waysIn = [
  ['on its fetch option', (client: Client) => new Anthropic({ ...anthropicOptions(client) })],
  [
    'on its middleware option',
    (client: Client) =>
      new Anthropic({
        apiKey: 'sk-of-the-sdk',
        baseURL: client.baseUrl,
        maxRetries: 0,
        middleware: [anthropicMiddleware(client)],
      }),
  ],
] as const

describe.each(waysIn)('the official Anthropic SDK %s', (_, sdkOn) => {
  let claude: SimulatedServer
  let client: Client
  let sdk: Anthropic
  beforeEach(async () => {
    claude = await startClaude({
      apiKeys: ['sk-real'],
      separateWrites: true,
      reply: ({ json }) => (JSON.stringify(json).includes('gate') ? gateCall : {}),
    })
    client = createClient({ provider: 'anthropic', baseUrl: claude.url, credential: 'sk-real' })
    sdk = sdkOn(client)
  })
  afterEach(async () => {
    await client.close()
    await claude.close()
  })

  it('gets a message, with the headers of the response', async () => {
    const { data, response, request_id } = await sdk.messages.create(hello).withResponse()
    expect(data.content).toEqual([{ type: 'text', text: defaultText }])
    expect(request_id).toMatch(/^req_/)
    expect(response.headers.get('anthropic-ratelimit-input-tokens-limit')).toMatch(/^\d+$/)
  })

  it('reads a stream event by event', async () => {
    const { items, error } = await readAll(await sdk.messages.create({ ...hello, stream: true }))
    expect(error).toBeUndefined()
    expect(items[0]?.type).toBe('message_start')
    expect(items.at(-1)?.type).toBe('message_stop')
  })

  it('assembles thinking and tool use from a stream as it gets them without one', async () => {
    const params = { ...hello, system: 'Mind the gate.' }
    const whole = await sdk.messages.create(params)
    const streamed = await sdk.messages.stream(params).finalMessage()
    for (const message of [whole, streamed]) {
      expect(message.stop_reason).toBe('tool_use')
      expect(message.content).toMatchObject([
        { type: 'thinking', thinking: gateCall.thinking },
        { type: 'text', text: gateCall.text },
        { type: 'tool_use', ...gateCall.toolUse[0] },
      ])
    }
  })

  it("sends the client's credential in place of its own", async () => {
    await sdk.messages.create(hello)
    const { headers } = claude.requests[0] ?? {}
    expect(headers).toMatchObject({ 'x-api-key': 'sk-real', 'anthropic-version': '2026-10-21' })
    expect(headers).not.toHaveProperty('authorization')
  })

  it.each([
    [400, Anthropic.BadRequestError, 'invalid_request_error'],
    [429, Anthropic.RateLimitError, 'rate_limit_error'],
    [529, Anthropic.InternalServerError, 'overloaded_error'],
  ])('sees status %i as its own class of error', async (status, kind, type) => {
    for (const stream of [false, true]) {
      claude.next({ type: 'status', status })
      const error = await rejection(sdk.messages.create({ ...hello, stream }))
      expect(error).toBeInstanceOf(kind)
      expect(error).toMatchObject({ status, type, requestID: expect.stringMatching(/^req_/) })
    }
    expect(claude.requests).toHaveLength(2)
  })

  it('sees a refused connection as an error of the server', async () => {
    await claude.close()
    const error = await rejection(sdk.messages.create(hello))
    expect(error).toBeInstanceOf(Anthropic.InternalServerError)
    expect(error).toMatchObject({ status: 502, message: expect.stringContaining('ECONNREFUSED') })
  })

  it('gets an HTTP status for an error event that comes before any content', async () => {
    claude.next({ type: 'error-in-200', at: 'before-content' })
    const error = await rejection(sdk.messages.create({ ...hello, stream: true }))
    expect(error).toMatchObject({ status: 529, type: 'overloaded_error' })
  })

  it('throws an error event that comes after content', async () => {
    claude.next({ type: 'error-in-200', at: 'after-content', afterChunks: 3 })
    const { items, error } = await readAll(await sdk.messages.create({ ...hello, stream: true }))
    expect(items.filter(({ type }) => type === 'content_block_delta')).toHaveLength(3)
    expect(error).toBeInstanceOf(Anthropic.APIError)
    expect(error).toMatchObject({ type: 'overloaded_error' })
  })

  it.each([
    ['after-content', 'end'],
    ['after-content', 'reset'],
    ['mid-event', 'end'],
    ['mid-event', 'reset'],
  ] as const)('throws when a stream is cut %s by a %s', async (at, how) => {
    claude.next({ type: 'cut', at, how, afterChunks: 3 })
    const { items, error } = await readAll(await sdk.messages.create({ ...hello, stream: true }))
    expect(items.filter(({ type }) => type === 'content_block_delta')).toHaveLength(3)
    expect(error).toBeInstanceOf(Anthropic.APIError)
    expect(error).toMatchObject({ type: 'api_error' })
  })

  it('rejects the final message of a stream that is cut', async () => {
    claude.next({ type: 'cut', at: 'after-content', how: 'end', afterChunks: 3 })
    const error = await rejection(sdk.messages.stream(hello).finalMessage())
    expect(error).toBeInstanceOf(Anthropic.APIError)
  })

  it("closes the upstream's connection when a stream is aborted", async () => {
    claude.next({ type: 'stall', afterChunks: 2, ms: Infinity })
    const stream = await sdk.messages.create({ ...hello, stream: true })
    for await (const event of stream) {
      if (event.type === 'content_block_delta') stream.controller.abort()
    }
    await claude.requests[0]?.closedByPeer
    await connectionsDownTo(claude, 0)
  })

  it("closes the upstream's connection when the loop over a stream is left", async () => {
    claude.next({ type: 'stall', afterChunks: 2, ms: Infinity })
    for await (const event of await sdk.messages.create({ ...hello, stream: true })) {
      if (event.type === 'content_block_delta') break
    }
    await claude.requests[0]?.closedByPeer
    await connectionsDownTo(claude, 0)
  })

  it('throws its own abort error when the caller aborts before the answer', async () => {
    claude.next({ type: 'slow-headers', ms: Infinity })
    const controller = new AbortController()
    const arrived = claude.nextRequest()
    const sent = rejection(sdk.messages.create(hello, { signal: controller.signal }))
    const request = await arrived
    controller.abort()
    expect(await sent).toBeInstanceOf(Anthropic.APIUserAbortError)
    await request.closedByPeer
  })

  it('lists models', async () => {
    const { data } = await sdk.models.list()
    expect(data.length).toBeGreaterThan(0)
    expect(claude.requests[0]?.headers).toMatchObject({ 'x-api-key': 'sk-real' })
    expect(claude.requests[0]?.headers).not.toHaveProperty('authorization')
  })

  it('counts tokens', async () => {
    const { input_tokens } = await sdk.messages.countTokens({ model: hello.model, messages: hello.messages })
    expect(input_tokens).toBeGreaterThan(0)
  })
})
