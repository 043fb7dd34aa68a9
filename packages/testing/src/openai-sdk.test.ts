import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaultText, type SimulatedServer, startOllama, startOpenRouter } from './index.ts'

const tools = {
  thinking: 'Which gate?',
  text: 'Opening.',
  toolUse: [
    { id: 'call_1', name: 'open_gate', input: { gate: 3, note: 'größer als "nötig"' } },
    { name: 'ring_bell', input: {} },
  ],
  usage: { inputTokens: 20, outputTokens: 40, cacheReadTokens: 5, reasoningTokens: 9 },
}
const model = 'llama3.2'
const hello: OpenAI.ChatCompletionCreateParamsNonStreaming = {
  model,
  messages: [{ role: 'user', content: 'Hello' }],
}
const both = [
  ['OpenRouter', startOpenRouter, '/api/v1'],
  ['Ollama', startOllama, '/v1'],
] as const

describe.each(both)('the official OpenAI SDK at %s', (name, start, path) => {
  let server: SimulatedServer
  let client: OpenAI
  beforeAll(async () => {
    server = await start({ reply: ({ json }) => (JSON.stringify(json).includes('gate') ? tools : {}) })
    client = new OpenAI({ apiKey: 'sk-test', baseURL: server.url + path, maxRetries: 0 })
  })
  afterAll(() => server.close())

  it('gets a completion', async () => {
    const completion = await client.chat.completions.create(hello)
    expect(completion).toMatchObject({ object: 'chat.completion', model })
    expect(completion.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: defaultText } })
    expect(completion.usage?.total_tokens).toBeGreaterThan(0)
  })

  it('assembles tool calls from a stream as it gets them without one', async () => {
    const params = { ...hello, messages: [{ role: 'user', content: 'Open the gate' }] } as typeof hello
    const whole = await client.chat.completions.create(params)
    const stream = client.chat.completions.stream({
      ...params,
      stream: true,
      stream_options: { include_usage: true },
    })
    const streamed = await stream.finalChatCompletion()
    for (const { choices, usage } of [whole, streamed]) {
      expect(choices[0]?.finish_reason).toBe('tool_calls')
      expect(choices[0]?.message.content).toBe(tools.text)
      const calls = choices[0]?.message.tool_calls ?? []
      const parsed = calls.map((call) =>
        call.type === 'function' ? JSON.parse(call.function.arguments) : undefined,
      )
      expect(parsed).toEqual(tools.toolUse.map((tool) => tool.input))
      expect(calls[0]?.id).toBe('call_1')
      expect(usage).toMatchObject({
        prompt_tokens: 25,
        completion_tokens: 40,
        total_tokens: 65,
        prompt_tokens_details: { cached_tokens: 5 },
        completion_tokens_details: { reasoning_tokens: 9 },
      })
    }
  })

  it('gets usage last in a stream', async () => {
    for (const include_usage of [false, true]) {
      const chunks: OpenAI.ChatCompletionChunk[] = []
      const params = { ...hello, stream: true as const, stream_options: { include_usage } }
      for await (const chunk of await client.chat.completions.create(params)) chunks.push(chunk)
      expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(defaultText)
      const asked = include_usage || name === 'OpenRouter'
      expect(chunks.filter((chunk) => chunk.usage).length).toBe(asked ? 1 : 0)
      if (asked)
        expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: expect.any(Number) } })
      if (name === 'OpenRouter') expect(chunks.at(-1)?.usage).toHaveProperty('cost', expect.any(Number))
    }
  })

  it.each([
    [400, OpenAI.BadRequestError],
    [401, OpenAI.AuthenticationError],
    [402, OpenAI.APIError],
    [403, OpenAI.PermissionDeniedError],
    [404, OpenAI.NotFoundError],
    [429, OpenAI.RateLimitError],
    [500, OpenAI.InternalServerError],
    [502, OpenAI.InternalServerError],
    [503, OpenAI.InternalServerError],
    [529, OpenAI.InternalServerError],
  ])('sees status %i as its class of error', async (status, kind) => {
    server.next({ type: 'status', status })
    const error: unknown = await client.chat.completions.create(hello).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(kind)
    expect((error as { error?: { message?: string } }).error?.message).toMatch(/./)
  })

  it('throws the error of a stream', async () => {
    server.next({ type: 'error-in-200', at: 'after-content', message: 'The provider is gone' })
    let text = ''
    const read = async (): Promise<void> => {
      for await (const chunk of await client.chat.completions.create({ ...hello, stream: true })) {
        text += chunk.choices[0]?.delta.content ?? ''
      }
    }
    await expect(read()).rejects.toThrow('The provider is gone')
    expect(defaultText.startsWith(text)).toBe(true)
    expect(text).not.toBe('')
  })
})
