import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  defaultText,
  type Fault,
  type SimulatedServer,
  startClaude,
  startOllama,
  startOpenRouter,
} from './index.ts'

const hello: Anthropic.MessageCreateParamsNonStreaming = {
  model: 'claude-opus-5-5',
  max_tokens: 1024,
  messages: [{ role: 'user', content: 'Hello' }],
}

const everything = {
  thinking: 'Is the dam full? It is.',
  text: 'Open the gates — now.',
  toolUse: [
    { id: 'toolu_1', name: 'open_gate', input: { gate: 3, note: 'größer als "nötig"' } },
    { name: 'ring_bell', input: {} },
  ],
  usage: { inputTokens: 20, outputTokens: 40, cacheReadTokens: 5, cacheWriteTokens: 7, reasoningTokens: 9 },
}

const clientOf = (server: SimulatedServer, path = ''): Anthropic =>
  new Anthropic({ apiKey: 'sk-test', baseURL: server.url + path, maxRetries: 0, openTelemetry: false })

describe('the official Anthropic SDK', () => {
  let claude: SimulatedServer
  let client: Anthropic
  beforeAll(async () => {
    claude = await startClaude({
      reply: ({ json }) => (JSON.stringify(json).includes('everything') ? everything : {}),
    })
    client = clientOf(claude)
  })
  afterAll(() => claude.close())

  it('gets a message', async () => {
    const { data, response } = await client.messages.create(hello).withResponse()
    expect(data).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: hello.model,
      stop_reason: 'end_turn',
    })
    expect(data.content).toEqual([{ type: 'text', text: defaultText }])
    expect(data.usage.input_tokens).toBeGreaterThan(0)
    expect(response.headers.get('request-id')).toMatch(/^req_/)
    expect(response.headers.get('anthropic-ratelimit-input-tokens-limit')).toMatch(/^\d+$/)
    expect(response.headers.get('anthropic-ratelimit-tokens-reset')).toMatch(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
    )
    expect(claude.requests.at(-1)?.headers['anthropic-version']).toBe('2026-10-21')
  })

  it('assembles from a stream what it gets without one', async () => {
    const params = { ...hello, system: 'everything' }
    const whole = await client.messages.create(params)
    const text: string[] = []
    const stream = client.messages.stream(params).on('text', (piece) => text.push(piece))
    const streamed = await stream.finalMessage()
    expect(text.join('')).toBe(everything.text)
    expect(text.length).toBeGreaterThan(1)
    for (const message of [whole, streamed]) {
      expect(message.stop_reason).toBe('tool_use')
      expect(message.content).toMatchObject([
        { type: 'thinking', thinking: everything.thinking, signature: expect.stringMatching(/./) },
        { type: 'text', text: everything.text },
        { type: 'tool_use', ...everything.toolUse[0] },
        { type: 'tool_use', ...everything.toolUse[1] },
      ])
      expect(message.usage).toMatchObject({
        input_tokens: 20,
        output_tokens: 40,
        cache_read_input_tokens: 5,
        cache_creation_input_tokens: 7,
      })
      expect(message.usage.output_tokens_details?.thinking_tokens).toBe(9)
    }
  })

  it.each([
    [400, Anthropic.BadRequestError, 'invalid_request_error'],
    [401, Anthropic.AuthenticationError, 'authentication_error'],
    [402, Anthropic.APIError, 'billing_error'],
    [403, Anthropic.PermissionDeniedError, 'permission_error'],
    [404, Anthropic.NotFoundError, 'not_found_error'],
    [409, Anthropic.ConflictError, 'conflict_error'],
    [413, Anthropic.APIError, 'request_too_large'],
    [429, Anthropic.RateLimitError, 'rate_limit_error'],
    [500, Anthropic.InternalServerError, 'api_error'],
    [504, Anthropic.APIError, 'timeout_error'],
    [529, Anthropic.APIError, 'overloaded_error'],
  ])('sees status %i as its class of error', async (status, kind, type) => {
    for (const stream of [false, true]) {
      claude.next({ type: 'status', status })
      const error: unknown = await client.messages.create({ ...hello, stream }).catch((e: unknown) => e)
      expect(error).toBeInstanceOf(kind)
      expect(error).toMatchObject({ status, type, requestID: expect.stringMatching(/^req_/) })
      expect((error as { error: { request_id: string } }).error.request_id).toBe(
        (error as { requestID: string }).requestID,
      )
    }
  })

  it('throws the error event of a stream, after what came before', async () => {
    claude.next({ type: 'error-in-200', at: 'after-content', afterChunks: 3 })
    const stream = await client.messages.create({ ...hello, stream: true })
    let text = ''
    const read = async (): Promise<void> => {
      for await (const event of stream) {
        if (event.type === 'content_block_delta' && event.delta.type === 'text_delta')
          text += event.delta.text
      }
    }
    const error: unknown = await read().catch((e: unknown) => e)
    expect(error).toBeInstanceOf(Anthropic.APIError)
    expect(error).toMatchObject({ status: undefined, type: 'overloaded_error' })
    expect(text).toBe('The spillway carries ')
  })

  it.each<Fault>([
    { type: 'reset' },
    { type: 'malformed', how: 'json' },
    { type: 'cut', at: 'mid-event', how: 'end' },
    { type: 'cut', at: 'mid-event', how: 'reset' },
  ])('fails on $type', async (fault) => {
    claude.next(fault)
    await expect(client.messages.create(hello)).rejects.toThrow()
  })

  it('does not notice a stream that ends cleanly after half its text', async () => {
    claude.next({ type: 'cut', at: 'after-content', how: 'end' })
    const types: string[] = []
    for await (const event of await client.messages.create({ ...hello, stream: true })) types.push(event.type)
    expect(types).not.toContain('message_stop')
  })

  it('reads a stream that drips', async () => {
    claude.next({ type: 'drip', bytes: 3, everyMs: 0 })
    const message = await client.messages.stream({ ...hello, system: 'everything' }).finalMessage()
    expect(message.content[1]).toMatchObject({ text: everything.text })
  })

  it('obeys retry-after', async () => {
    claude.next({ type: 'status', status: 429, retryAfter: 1 })
    const before = claude.requests.length
    await client.messages.create(hello, { maxRetries: 1 })
    const [first, second] = claude.requests.slice(before)
    expect((second?.receivedAt ?? 0) - (first?.receivedAt ?? 0)).toBeGreaterThan(990)
    expect(second?.headers['x-stainless-retry-count']).toBe('1')
  })

  it('counts tokens and lists models', async () => {
    const { model, messages } = hello
    const counted = await client.messages.countTokens({ model, messages })
    expect(counted.input_tokens).toBe((await client.messages.create(hello)).usage.input_tokens)
    const ids: string[] = []
    for await (const info of client.models.list()) ids.push(info.id)
    expect(ids).toEqual(['claude-opus-5-5', 'claude-sonnet-5-5', 'claude-haiku-5-5'])
    expect(await client.models.retrieve('claude-opus-5-5')).toMatchObject({
      lifecycle: 'active',
      line: 'opus',
    })
    await expect(client.models.retrieve('nobody')).rejects.toBeInstanceOf(Anthropic.NotFoundError)
  })

  it('works with the Messages endpoints of OpenRouter and Ollama', async () => {
    const router = await startOpenRouter({ reply: everything })
    const ollama = await startOllama({ reply: everything })
    for (const [other, model] of [
      [clientOf(router, '/api'), 'anthropic/claude-opus-5.5'],
      [clientOf(ollama), 'llama3.2'],
    ] as const) {
      const whole = await other.messages.create({ ...hello, model })
      const streamed = await other.messages.stream({ ...hello, model }).finalMessage()
      expect(streamed.content).toMatchObject([{ type: 'thinking' }, { text: everything.text }, {}, {}])
      expect(whole.content).toHaveLength(4)
      expect(streamed.usage).toMatchObject({ input_tokens: 20, output_tokens: 40 })
    }
    router.next(
      { type: 'status', status: 429 },
      { type: 'error-in-200', at: 'before-content', errorType: 'timeout_error' },
    )
    const routed = clientOf(router, '/api')
    const limited: unknown = await routed.messages.create(hello).catch((e: unknown) => e)
    expect(limited).toMatchObject({ status: 429, type: 'rate_limit_error' })
    const failed = routed.messages.stream(hello).finalMessage()
    await expect(failed).rejects.toMatchObject({ type: 'timeout_error' })
    await expect(clientOf(ollama).messages.create(hello)).rejects.toBeInstanceOf(Anthropic.NotFoundError)
    await router.close()
    await ollama.close()
  })
})
