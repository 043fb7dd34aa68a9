import Anthropic from '@anthropic-ai/sdk'
import { type Fault, type Reply, type SimulatedServer, startClaude, startOpenRouter } from '@spillway/testing'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import type { Json } from './raw-client.ts'

interface Setup<Client> {
  readonly client: Client
  readonly server: SimulatedServer
}

/** The Anthropic SDK -> gateway -> a server of chat completions. */
async function anthropicToChat(reply: Reply = {}, more: object = {}): Promise<Setup<Anthropic>> {
  const server = forThisTest(await startOpenRouter({ reply, separateWrites: true }))
  const gateway = await gatewayOf(configOf(targetAt(server, 'openai', more)))
  return { server, client: anthropicAt(gateway.url) }
}

/** The OpenAI SDK -> gateway -> Claude. */
async function openaiToClaude(reply: Reply = {}, more: object = {}): Promise<Setup<OpenAI>> {
  const server = forThisTest(await startClaude({ reply, separateWrites: true }))
  const gateway = await gatewayOf(configOf(targetAt(server, 'anthropic', more)))
  const client = new OpenAI({ apiKey: 'sk-of-the-caller', baseURL: `${gateway.url}/v1`, maxRetries: 0 })
  return { server, client }
}

const anthropicAt = (baseURL: string): Anthropic =>
  new Anthropic({ apiKey: 'sk-of-the-caller', baseURL, maxRetries: 0 })

const bodyAt = ({ requests }: SimulatedServer, index = -1): Json => requests.at(index)?.json

const model = 'claude-opus-5-5'
const turns = [{ role: 'user' as const, content: 'What is it like in Rome?' }]
const question = { model, max_tokens: 100, messages: turns }
const asked = { model, messages: turns }

const calls = [
  { id: 'call_00001', name: 'weather', input: { city: 'Rome, the capital of Italy', days: 3 } },
  { id: 'call_00002', name: 'time', input: { zone: 'Europe/Rome', note: '“quoted” \\ and ünïcödé' } },
]
const usage = { inputTokens: 10, cacheReadTokens: 20, outputTokens: 9 }
const parallel: Reply = { text: 'I look it up', toolUse: calls, usage }
const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

const schema = { type: 'object' as const, properties: { city: { type: 'string' } } }
const anthropicTools: Anthropic.Tool[] = calls.map(({ name }) => ({ name, input_schema: schema }))
const openaiTools: OpenAI.ChatCompletionTool[] = calls.map(({ name }) => ({
  type: 'function',
  function: { name, parameters: schema },
}))

const texts = (message: Anthropic.Message): string =>
  message.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('')

describe('the Anthropic SDK, answered by a server of chat completions', () => {
  it.each<[string, Reply]>([
    ['one call after the other', parallel],
    ['calls by turns, with text in between', { ...parallel, interleaved: true }],
    ['with thinking', { ...parallel, thinking: 'Hm, well.' }],
    [
      'with thinking as local servers say it',
      { ...parallel, thinking: 'Hm, well.', thinkingField: 'reasoning_content' },
    ],
  ])('gets text and parallel calls, streamed and not: %s', async (_, reply) => {
    const { client, server } = await anthropicToChat(reply)
    const request = { ...question, tools: anthropicTools }
    const whole = await client.messages.create(request)
    const streamed = await client.messages.stream(request).finalMessage()
    for (const message of [whole, streamed]) {
      expect(message).toMatchObject({ type: 'message', role: 'assistant', stop_reason: 'tool_use' })
      expect(message.content.filter(({ type }) => type === 'tool_use')).toMatchObject(calls)
      expect(texts(message)).toBe('I look it up')
      expect(message.usage).toMatchObject({
        input_tokens: 10,
        cache_read_input_tokens: 20,
        output_tokens: 9,
      })
      if (reply.thinking !== undefined) {
        expect(message.content[0]).toMatchObject({ type: 'thinking', thinking: 'Hm, well.' })
      }
    }
    expect(server.requests.map(({ path }) => path)).toEqual(Array(2).fill('/v1/chat/completions'))
    expect(server.requests[0]?.headers.authorization).toBe('Bearer sk-own-of-the-gateway')
    expect(bodyAt(server).tools.map((tool: Json) => tool.function.name)).toEqual(['weather', 'time'])
  })

  it('brings results back behind their calls, in order', async () => {
    const { client, server } = await anthropicToChat()
    const first = { ...question, tools: anthropicTools }
    const uses = calls.map((call) => ({ type: 'tool_use' as const, ...call }))
    const results = calls.map(({ id }) => ({
      type: 'tool_result' as const,
      tool_use_id: id,
      content: `result of ${id}`,
    }))
    await client.messages.create({
      ...first,
      messages: [
        ...turns,
        { role: 'assistant', content: [{ type: 'text', text: 'I look it up' }, ...uses] },
        { role: 'user', content: [...results, { type: 'text', text: 'Be brief.' }] },
      ],
    })
    const { messages } = bodyAt(server)
    expect(messages.map(({ role }: Json) => role)).toEqual(['user', 'assistant', 'tool', 'tool', 'user'])
    expect(messages[1].tool_calls.map(({ id }: Json) => id)).toEqual(['call_00001', 'call_00002'])
    expect(messages[1].tool_calls.map((call: Json) => JSON.parse(call.function.arguments))).toEqual(
      calls.map(({ input }) => input),
    )
    expect(messages.slice(2, 4)).toMatchObject(
      calls.map(({ id }) => ({ tool_call_id: id, content: `result of ${id}` })),
    )
    expect(messages[4].content).toBe('Be brief.')
  })

  it('sends images', async () => {
    const { client, server } = await anthropicToChat()
    const image = {
      type: 'image' as const,
      source: { type: 'base64' as const, media_type: 'image/png' as const, data: pixel },
    }
    const content = [{ type: 'text' as const, text: 'What is this?' }, image]
    await client.messages.create({ ...question, messages: [{ role: 'user', content }] })
    expect(bodyAt(server).messages[0].content).toMatchObject([
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${pixel}` } },
    ])
  })

  it.each([
    ['end_turn', 'end_turn'],
    ['max_tokens', 'max_tokens'],
    ['refusal', 'refusal'],
  ])('gets the stop reason %s', async (stopReason, expected) => {
    const { client } = await anthropicToChat({ stopReason })
    expect((await client.messages.create(question)).stop_reason).toBe(expected)
    expect((await client.messages.stream(question).finalMessage()).stop_reason).toBe(expected)
  })

  it('reads what got lost', async () => {
    const { client } = await anthropicToChat()
    const system = [
      { type: 'text' as const, text: 'Be brief.', cache_control: { type: 'ephemeral' as const } },
    ]
    const request = { ...question, model: 'claude-haiku-4-5', system, top_k: 5 }
    for (const stream of [false, true]) {
      const { response } = await client.messages.create({ ...request, stream }).withResponse()
      expect(response.headers.get('x-spillway-degraded')).toBe('cache_control, top_k')
      await response.body?.cancel().catch(() => {})
    }
    const { response } = await client.messages.create(question).withResponse()
    expect(response.headers.has('x-spillway-degraded')).toBe(false)
  })

  it('counts tokens by an estimate, and is told so', async () => {
    const { client, server } = await anthropicToChat()
    const { data, response } = await client.messages.countTokens({ model, messages: turns }).withResponse()
    expect(data.input_tokens).toBeGreaterThan(3)
    expect(data.input_tokens).toBeLessThan(50)
    expect(response.headers.get('x-spillway-degraded')).toBe('token_count')
    expect(response.headers.get('x-spillway-served-by')).toBe('claude')
    expect(server.requests).toHaveLength(0)
  })

  it.each([
    [400, Anthropic.BadRequestError, 'invalid_request_error'],
    [401, Anthropic.AuthenticationError, 'authentication_error'],
    [403, Anthropic.PermissionDeniedError, 'permission_error'],
    [404, Anthropic.NotFoundError, 'not_found_error'],
    [429, Anthropic.RateLimitError, 'rate_limit_error'],
    [500, Anthropic.InternalServerError, 'api_error'],
    [503, Anthropic.InternalServerError, 'api_error'],
  ])('throws its own class for status %i', async (status, errorClass, type) => {
    const { client, server } = await anthropicToChat()
    server.always({ type: 'status', status, message: 'what the upstream says', retryAfter: 7 })
    for (const stream of [false, true]) {
      const error: Json = await client.messages.create({ ...question, stream }).catch((caught) => caught)
      expect(error).toBeInstanceOf(errorClass)
      expect(error.error).toMatchObject({ type: 'error', error: { type } })
      expect(error.message).toContain('what the upstream says')
      expect(error.headers.get('retry-after')).toBe('7')
    }
  })

  it.each<[string, Fault]>([
    ['an error event', { type: 'error-in-200', at: 'after-content' }],
    ['a reset', { type: 'cut', at: 'after-content', how: 'reset' }],
    ['an early end', { type: 'cut', at: 'after-content', how: 'end' }],
    ['half an event', { type: 'cut', at: 'mid-event', how: 'end' }],
  ])('throws for a stream that breaks off by %s', async (_, fault) => {
    const { client, server } = await anthropicToChat()
    server.always(fault)
    const stream = client.messages.stream(question)
    let text = ''
    stream.on('text', (piece) => {
      text += piece
    })
    await expect(stream.finalMessage()).rejects.toBeInstanceOf(Anthropic.APIError)
    expect(text).not.toBe('')
  })
})

describe('the OpenAI SDK, answered by Claude', () => {
  it.each<[string, Reply]>([
    ['plainly', parallel],
    ['with thinking', { ...parallel, thinking: 'Hm, well.' }],
  ])('gets text and parallel calls, streamed and not: %s', async (_, reply) => {
    const { client, server } = await openaiToClaude(reply)
    const request = { ...asked, tools: openaiTools }
    const whole = await client.chat.completions.create(request)
    const streamed = await client.chat.completions
      .stream({ ...request, stream_options: { include_usage: true } })
      .finalChatCompletion()
    for (const completion of [whole, streamed]) {
      const [choice] = completion.choices
      expect(choice?.finish_reason).toBe('tool_calls')
      expect(choice?.message.content).toBe('I look it up')
      const seen = choice?.message.tool_calls?.map((call) => {
        if (call.type !== 'function') throw new Error(`a call of type ${call.type}`)
        return { id: call.id, name: call.function.name, input: JSON.parse(call.function.arguments) }
      })
      expect(seen).toEqual(calls)
      expect(completion.usage).toMatchObject({
        prompt_tokens: 30,
        completion_tokens: 9,
        total_tokens: 39,
        prompt_tokens_details: { cached_tokens: 20 },
      })
    }
    expect(server.requests.map(({ path }) => path)).toEqual(Array(2).fill('/v1/messages'))
    expect(server.requests[0]?.headers).toMatchObject({
      'x-api-key': 'sk-own-of-the-gateway',
      'anthropic-version': '2023-06-01',
    })
    expect(bodyAt(server).tools.map(({ name }: Json) => name)).toEqual(['weather', 'time'])
    expect(bodyAt(server).max_tokens).toBeGreaterThan(0)
  })

  it('sends usage in a stream only where it is asked for', async () => {
    const { client } = await openaiToClaude(parallel)
    let chunks = 0
    for await (const chunk of await client.chat.completions.create({ ...asked, stream: true })) {
      chunks++
      expect(chunk.usage ?? null).toBeNull()
      expect(chunk.choices).toHaveLength(1)
    }
    expect(chunks).toBeGreaterThan(5)
  })

  it('brings results back in one turn, before what is said', async () => {
    const { client, server } = await openaiToClaude()
    const made = calls.map(({ id, name, input }) => ({
      id,
      type: 'function' as const,
      function: { name, arguments: JSON.stringify(input) },
    }))
    await client.chat.completions.create({
      ...asked,
      tools: openaiTools,
      messages: [
        { role: 'system', content: 'Be kind.' },
        ...turns,
        { role: 'assistant', content: null, tool_calls: made },
        ...calls.map(({ id }) => ({
          role: 'tool' as const,
          tool_call_id: id,
          content: `result of ${id}`,
        })),
        { role: 'user', content: 'Be brief.' },
      ],
    })
    const { system, messages } = bodyAt(server)
    expect(JSON.stringify(system)).toContain('Be kind.')
    expect(messages.map(({ role }: Json) => role)).toEqual(['user', 'assistant', 'user'])
    expect(messages[1].content).toMatchObject(calls.map((call) => ({ type: 'tool_use', ...call })))
    expect(messages[2].content.map(({ type }: Json) => type)).toEqual(['tool_result', 'tool_result', 'text'])
    expect(messages[2].content.map((block: Json) => block.tool_use_id).slice(0, 2)).toEqual(
      calls.map(({ id }) => id),
    )
  })

  it('sends images', async () => {
    const { client, server } = await openaiToClaude()
    const url = `data:image/png;base64,${pixel}`
    const content = [
      { type: 'text' as const, text: 'What is this?' },
      { type: 'image_url' as const, image_url: { url } },
    ]
    await client.chat.completions.create({ ...asked, messages: [{ role: 'user', content }] })
    expect(bodyAt(server).messages[0].content).toMatchObject([
      { type: 'text', text: 'What is this?' },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: pixel } },
    ])
  })

  it.each([
    ['end_turn', 'stop'],
    ['max_tokens', 'length'],
    ['refusal', 'content_filter'],
  ])('gets the stop reason %s as %s', async (stopReason, expected) => {
    const { client } = await openaiToClaude({ stopReason })
    const { choices } = await client.chat.completions.create(asked)
    expect(choices[0]?.finish_reason).toBe(expected)
  })

  it('reads what got lost', async () => {
    const { client } = await openaiToClaude()
    const { response } = await client.chat.completions.create({ ...asked, n: 2, seed: 7 }).withResponse()
    expect(response.headers.get('x-spillway-degraded')).toBe('choices, seed')
    const plain = await client.chat.completions.create(asked).withResponse()
    expect(plain.response.headers.has('x-spillway-degraded')).toBe(false)
  })

  it.each([
    [400, OpenAI.BadRequestError],
    [401, OpenAI.AuthenticationError],
    [404, OpenAI.NotFoundError],
    [429, OpenAI.RateLimitError],
    [529, OpenAI.InternalServerError],
  ])('throws its own class for status %i', async (status, errorClass) => {
    const { client, server } = await openaiToClaude()
    server.always({ type: 'status', status, message: 'what the upstream says', retryAfter: 7 })
    for (const stream of [false, true]) {
      const error: Json = await client.chat.completions.create({ ...asked, stream }).catch((caught) => caught)
      expect(error).toBeInstanceOf(errorClass)
      expect(error.message).toContain('what the upstream says')
      expect(error.headers.get('retry-after')).toBe('7')
    }
  })

  it.each<[string, Fault]>([
    ['an error event', { type: 'error-in-200', at: 'after-content' }],
    ['a reset', { type: 'cut', at: 'after-content', how: 'reset' }],
    ['an early end', { type: 'cut', at: 'after-content', how: 'end' }],
  ])('throws for a stream that breaks off by %s', async (_, fault) => {
    const { client, server } = await openaiToClaude()
    server.always(fault)
    let text = ''
    const read = async (): Promise<void> => {
      for await (const chunk of await client.chat.completions.create({ ...asked, stream: true })) {
        text += chunk.choices[0]?.delta.content ?? ''
      }
    }
    await expect(read()).rejects.toBeInstanceOf(OpenAI.APIError)
    expect(text).not.toBe('')
  })
})

it('a tool loop goes from Claude to a local model and back to Claude, thinking included', async () => {
  const claude = forThisTest(
    await startClaude({
      checkThinking: true,
      reply: ({ json }) => {
        const { length } = (json as { messages: unknown[] }).messages
        const more = length > 4 ? { text: 'It is sunny.' } : { toolUse: calls.slice(0, 1) }
        return { thinking: `Claude thinks at ${length}.`, ...more }
      },
    }),
  )
  const local = forThisTest(
    await startOpenRouter({
      reply: {
        thinking: 'The local model thinks.',
        thinkingField: 'reasoning_content',
        toolUse: calls.slice(1),
      },
    }),
  )
  const gateway = await gatewayOf(
    configOf(targetAt(claude, 'anthropic'), targetAt(local, 'openai', { model: 'qwen3' })),
  )
  const client = anthropicAt(gateway.url)
  const history: Anthropic.MessageParam[] = [...turns]
  const take = async (): Promise<{ message: Anthropic.Message; response: Response }> => {
    const request = { ...question, tools: anthropicTools, messages: history }
    const stream = client.messages.stream(request)
    const { response } = await stream.withResponse()
    const message = await stream.finalMessage()
    history.push({ role: 'assistant', content: message.content as Anthropic.ContentBlockParam[] })
    const results = message.content.flatMap((block) =>
      block.type === 'tool_use'
        ? [{ type: 'tool_result' as const, tool_use_id: block.id, content: 'fine' }]
        : [],
    )
    if (results.length > 0) history.push({ role: 'user', content: results })
    return { message, response }
  }
  await take()
  claude.always({ type: 'status', status: 529 })
  const second = await take()
  expect(second.response.headers.get('x-spillway-served-by')).toBe('local')
  expect(second.response.headers.get('x-spillway-degraded')).toContain('thinking')
  expect(second.message.content[0]).toMatchObject({ type: 'thinking', thinking: 'The local model thinks.' })
  claude.always(undefined)
  const third = await take()
  expect(third.response.headers.get('x-spillway-served-by')).toBe('claude')
  expect(texts(third.message)).toBe('It is sunny.')
  expect(JSON.stringify(bodyAt(local))).not.toContain('Claude thinks')
  const back = JSON.stringify(bodyAt(claude))
  expect(back).toContain('Claude thinks at 1.')
  expect(back).not.toContain('The local model thinks.')
})
