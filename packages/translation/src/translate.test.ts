import Anthropic from '@anthropic-ai/sdk'
import { listen, type Middleware, type SpillwayEvent } from '@spillway/middleware'
import { type Fault, type Reply, type SimulatedServer, startClaude, startOpenRouter } from '@spillway/testing'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { type TranslateOptions, translate, wrapFetch } from './index.ts'

const calls = [
  { id: 'call_00001', name: 'weather', input: { city: 'Rome, the capital of Italy' } },
  { id: 'call_00002', name: 'time', input: { zone: 'Europe/Rome', format: 'long' } },
]
const usage = { inputTokens: 10, cacheReadTokens: 20, outputTokens: 9 }
const everything: Reply = { text: 'I look it up', toolUse: calls, usage }

/** Keeps the events of all calls. */
function watch(): { middleware: Middleware; events: SpillwayEvent[] } {
  const events: SpillwayEvent[] = []
  return { events, middleware: (next) => (request) => next(listen(request, (event) => events.push(event))) }
}

function anthropicTo(
  server: SimulatedServer,
  options: Partial<TranslateOptions> = {},
  ...outer: Middleware[]
): Anthropic {
  const fetch = wrapFetch(
    globalThis.fetch,
    ...outer,
    translate({ to: 'openai', dialect: 'openrouter', ...options }),
  )
  return new Anthropic({ apiKey: 'sk-test', baseURL: `${server.url}/api`, maxRetries: 0, fetch })
}

function openaiTo(server: SimulatedServer, ...outer: Middleware[]): OpenAI {
  const fetch = wrapFetch(globalThis.fetch, ...outer, translate({ to: 'anthropic' }))
  return new OpenAI({ apiKey: 'sk-test', baseURL: `${server.url}/v1`, maxRetries: 0, fetch })
}

const question = {
  model: 'claude-sonnet-5-5',
  max_tokens: 100,
  messages: [{ role: 'user' as const, content: 'What is it like in Rome?' }],
}
const chat = { model: 'claude-sonnet-5-5', messages: question.messages }

describe('a caller of Messages at a server of chat completions', () => {
  it.each<[string, Reply]>([
    ['one call after the other', everything],
    ['calls by turns, with text in between', { ...everything, interleaved: true }],
    [
      'thinking as local servers say it',
      { ...everything, thinking: 'Hm.', thinkingField: 'reasoning_content' },
    ],
  ])('gets parallel calls and text, streamed and not: %s', async (_, reply) => {
    await using server = await startOpenRouter({ reply })
    const client = anthropicTo(server)
    const whole = await client.messages.create(question)
    const streamed = await client.messages.stream(question).finalMessage()
    for (const message of [whole, streamed]) {
      const uses = message.content.filter(({ type }) => type === 'tool_use')
      expect(uses).toMatchObject(calls)
      const texts = message.content.flatMap((block) => (block.type === 'text' ? [block.text] : []))
      expect(texts.join('')).toBe('I look it up')
      if (reply.thinking !== undefined) {
        expect(message.content[0]).toMatchObject({
          type: 'thinking',
          thinking: 'Hm.',
          signature: expect.stringMatching(/^spillway:/),
        })
      }
      expect(message).toMatchObject({
        stop_reason: 'tool_use',
        usage: { input_tokens: 10, cache_read_input_tokens: 20, output_tokens: 9 },
      })
    }
    for (const request of server.requests) {
      expect(request.path).toBe('/api/v1/chat/completions')
      expect(request.headers.authorization).toBe('Bearer sk-test')
      expect(Object.keys(request.headers).filter((name) => /anthropic|x-api-key/.test(name))).toEqual([])
    }
  })

  it('sends images, calls and results in the form and order of the server', async () => {
    await using server = await startOpenRouter()
    const source = { type: 'base64', media_type: 'image/png', data: 'AAAA' } as const
    await anthropicTo(server).messages.create({
      ...question,
      system: 'Be brief',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image', source },
            { type: 'text', text: 'Where?' },
          ],
        },
        { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'find', input: {} }] },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'please' },
            { type: 'tool_result', tool_use_id: 'toolu_1', content: 'Rome' },
          ],
        },
      ],
    })
    const json = server.requests[0]?.json as { messages: { role: string }[] }
    const { messages } = json
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'tool', 'user'])
    expect(JSON.stringify(messages)).toContain('data:image/png;base64,AAAA')
  })

  it.each([false, true])('gets errors as errors of its protocol, stream %s', async (stream) => {
    await using server = await startOpenRouter()
    server.next({ type: 'status', status: 429, retryAfter: 7 })
    const error = await anthropicTo(server)
      .messages.create({ ...question, stream })
      .then(
        () => undefined,
        (reason: unknown) => reason,
      )
    expect(error).toBeInstanceOf(Anthropic.RateLimitError)
    expect(error).toMatchObject({
      status: 429,
      error: { type: 'error', error: { type: 'rate_limit_error', message: 'Rate limit exceeded' } },
    })
    const { headers } = error as { headers: Headers }
    expect(headers.get('retry-after')).toBe('7')
    expect(headers.get('request-id')).toMatch(/^gen-/)
  })

  it('gets an error inside a 200 as an error', async () => {
    await using server = await startOpenRouter()
    server.next({ type: 'error-in-200', at: 'after-content' })
    await expect(anthropicTo(server).messages.create(question)).rejects.toMatchObject({ status: 502 })
  })

  it.each<[string, Fault]>([
    ['is cut', { type: 'cut', at: 'after-content', how: 'end' }],
    ['is reset', { type: 'cut', at: 'mid-event', how: 'reset' }],
    ['ends with an error', { type: 'error-in-200', at: 'after-content' }],
  ])('gets an error where a stream %s', async (_, fault) => {
    await using server = await startOpenRouter({ separateWrites: true })
    server.next(fault)
    const types: string[] = []
    const reading = (async () => {
      for await (const event of await anthropicTo(server).messages.create({ ...question, stream: true })) {
        types.push(event.type)
      }
    })()
    await expect(reading).rejects.toBeInstanceOf(Anthropic.APIError)
    expect(types).toContain('content_block_delta')
    expect(types).not.toContain('message_stop')
  })

  it('takes the upstream along when it leaves', async () => {
    await using server = await startOpenRouter({ chunkDelayMs: 5, chunks: 1000 })
    const stream = await anthropicTo(server).messages.create({ ...question, stream: true })
    for await (const event of stream) if (event.type === 'content_block_delta') break
    await server.requests[0]?.closedByPeer
  })

  it('reads slowly, and gets all of it', async () => {
    await using server = await startOpenRouter({ chunks: 5000 })
    const response = await wrapFetch(fetch, translate({ to: 'openai' }))(`${server.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': 'sk-test' },
      body: JSON.stringify({ ...question, stream: true }),
    })
    await new Promise((resolve) => setImmediate(resolve))
    const text = await response.text()
    expect(text.match(/text_delta/g)).toHaveLength(5000)
    expect(text).toMatch(/event: message_stop\ndata: .*\n\n$/)
  })

  it('counts its tokens by an estimate, without a call', async () => {
    await using server = await startOpenRouter()
    const { max_tokens: _, ...prompt } = question
    const { data, response } = await anthropicTo(server).messages.countTokens(prompt).withResponse()
    expect(data.input_tokens).toBeGreaterThan(5)
    expect(response.headers.get('x-spillway-degraded')).toBe('token_count')
    expect(server.requests).toHaveLength(0)
  })

  it('is told what got lost, in a header and an event', async () => {
    await using server = await startOpenRouter()
    const { middleware, events } = watch()
    const client = anthropicTo(server, { dialect: 'ollama' }, middleware)
    const { response } = await client.messages
      .create({
        ...question,
        tools: [{ name: 'a', input_schema: { type: 'object' } }],
        tool_choice: { type: 'any' },
        metadata: { user_id: 'u' },
      })
      .withResponse()
    expect(response.headers.get('x-spillway-degraded')).toBe('metadata, tool_choice')
    expect(events.find(({ type }) => type === 'degraded')).toMatchObject({
      losses: ['metadata', 'tool_choice'],
    })
  })

  it('leaves the outcome as it was', async () => {
    await using server = await startOpenRouter({ reply: { text: 'Yes', usage } })
    const { middleware, events } = watch()
    await anthropicTo(server, {}, middleware).messages.create(question)
    const ended = events.find(({ type }) => type === 'attempt.ended')
    expect(ended).toMatchObject({
      outcome: { stopReason: 'stop', usage: { inputTokens: 10, cacheReadTokens: 20 } },
    })
  })
})

describe('a caller of chat completions at Claude', () => {
  const tools = calls.map(({ name }) => ({ type: 'function' as const, function: { name, parameters: {} } }))

  it('gets parallel calls and text, streamed and not', async () => {
    await using server = await startClaude({ reply: { ...everything, thinking: 'Hm.' } })
    const client = openaiTo(server)
    const whole = await client.chat.completions.create({ ...chat, tools })
    const stream = client.chat.completions.stream({ ...chat, tools, stream_options: { include_usage: true } })
    const streamed = await stream.finalChatCompletion()
    for (const { choices, usage: counted } of [whole, streamed]) {
      expect(choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: 'I look it up' } })
      const made = choices[0]?.message.tool_calls?.map((call) => {
        const fn = call.type === 'function' ? call.function : undefined
        return { id: call.id, name: fn?.name, input: JSON.parse(fn?.arguments ?? '') }
      })
      expect(made).toEqual(calls)
      expect(counted).toMatchObject({
        prompt_tokens: 30,
        completion_tokens: 9,
        prompt_tokens_details: { cached_tokens: 20 },
      })
    }
    const [request] = server.requests
    expect(request?.path).toBe('/v1/messages')
    expect(request?.headers).toMatchObject({ 'x-api-key': 'sk-test', 'anthropic-version': '2023-06-01' })
    expect(request?.headers).not.toHaveProperty('authorization')
  })

  it('sends what Claude takes: a limit, no sampling, results in one turn', async () => {
    await using server = await startClaude()
    const fn = (id: string): OpenAI.ChatCompletionMessageToolCall => ({
      id,
      type: 'function',
      function: { name: 'weather', arguments: '{}' },
    })
    await openaiTo(server).chat.completions.create({
      ...chat,
      temperature: 0.3,
      messages: [
        { role: 'system', content: 'Be brief' },
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: null, tool_calls: [fn('call_00001'), fn('call_00002')] },
        { role: 'tool', tool_call_id: 'call_00001', content: 'sun' },
        { role: 'tool', tool_call_id: 'call_00002', content: 'rain' },
      ],
    })
    const json = server.requests[0]?.json as { messages: { role: string }[] }
    expect(json).toMatchObject({ system: 'Be brief', max_tokens: 32_000 })
    expect(json).not.toHaveProperty('temperature')
    expect(json.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user'])
  })

  it('gets errors as errors of its protocol', async () => {
    await using server = await startClaude()
    server.next({ type: 'status', status: 529 })
    const error = await openaiTo(server)
      .chat.completions.create(chat)
      .then(
        () => undefined,
        (reason: unknown) => reason,
      )
    expect(error).toBeInstanceOf(OpenAI.InternalServerError)
    expect(error).toMatchObject({ status: 529, error: { message: 'Overloaded', type: 'server_error' } })
    expect((error as { requestID?: string }).requestID).toMatch(/^req_/)
  })

  it.each<[string, Fault]>([
    ['is cut', { type: 'cut', at: 'after-content', how: 'reset' }],
    ['ends with an error', { type: 'error-in-200', at: 'after-content' }],
  ])('gets an error where a stream %s', async (_, fault) => {
    await using server = await startClaude({ separateWrites: true })
    server.next(fault)
    const reading = (async () => {
      const stream = await openaiTo(server).chat.completions.create({ ...chat, stream: true })
      for await (const _chunk of stream);
    })()
    await expect(reading).rejects.toBeInstanceOf(OpenAI.APIError)
  })

  it('takes the upstream along when it leaves', async () => {
    await using server = await startClaude({ chunkDelayMs: 5, chunks: 1000 })
    const stream = await openaiTo(server).chat.completions.create({ ...chat, stream: true })
    for await (const { choices } of stream) if (choices[0]?.delta.content) break
    await server.requests[0]?.closedByPeer
  })
})

describe('a request that speaks the target’s protocol', () => {
  it('passes untouched', async () => {
    await using server = await startClaude()
    const body = JSON.stringify({ ...question, something: 'new' })
    const fetched = wrapFetch(fetch, translate({ to: 'anthropic' }))
    const response = await fetched(`${server.url}/v1/messages?beta=true`, {
      method: 'POST',
      headers: { 'x-api-key': 'sk-test', 'anthropic-version': '2023-06-01' },
      body,
    })
    expect(Buffer.from(server.requests[0]?.body ?? []).toString()).toBe(body)
    expect(server.requests[0]?.path).toBe('/v1/messages?beta=true')
    expect(await response.text()).toBe(Buffer.from(server.requests[0]?.sent ?? []).toString())
  })
})

it('refuses options that make no sense', () => {
  expect(() => translate({ to: 'anthropic', maxTokens: 0 })).toThrow(RangeError)
})
