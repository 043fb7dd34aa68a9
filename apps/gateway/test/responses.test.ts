import { type Reply, startClaude, startOllama, startOpenAi } from '@spillway/testing'
import OpenAI from 'openai'
import { zodTextFormat } from 'openai/helpers/zod'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { expectCacheFound } from './marked-prefixes.ts'

// The Responses API by the official SDK, whatever the target speaks.

const look: OpenAI.Responses.FunctionTool = {
  type: 'function',
  name: 'look',
  description: 'Looks.',
  strict: false,
  parameters: { type: 'object', properties: { at: { type: 'string' } } },
}

const servers = {
  Claude: () => startClaude({ reply }),
  'chat completions': () => startOpenAi({ reply }),
  Ollama: () => startOllama({ reply }),
}
const apis = { Claude: 'anthropic', 'chat completions': 'openai', Ollama: 'ollama' } as const
const models = { Claude: 'claude-sonnet-5', 'chat completions': 'gpt-5.5', Ollama: 'llama3.2' }

/** Looks first where it has something to look with, and says then what it has seen. */
function reply({ json }: { readonly json: unknown }) {
  const { tools, messages, input, response_format, output_config, format } = json as Record<string, unknown>
  if (response_format ?? (output_config as { format?: unknown } | undefined)?.format ?? format) {
    return { text: '{"x":1,"y":2}' }
  }
  const isFirst = !((messages ?? input) as { role: string }[]).some(({ role }) => role === 'assistant')
  if (tools !== undefined && isFirst)
    return { text: 'I look.', toolUse: [{ name: 'look', input: { at: 'Rome' } }] }
  return { text: 'It rains.' }
}

async function clientOf(server: keyof typeof servers) {
  const upstream = forThisTest(await servers[server]())
  const model = models[server]
  const gateway = await gatewayOf(configOf(targetAt(upstream, apis[server], { model })))
  const client = new OpenAI({ apiKey: 'key-of-the-caller', baseURL: `${gateway.url}/v1`, maxRetries: 0 })
  return { client, upstream, model, gateway }
}

describe.each(Object.keys(servers) as (keyof typeof servers)[])('responses.create at %s', (server) => {
  it('goes through a tool and its result, whole', async () => {
    const { client, model } = await clientOf(server)
    const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'How is the weather?' }]
    const first = await client.responses.create({ model, input, tools: [look], store: false })
    expect(first).toMatchObject({
      object: 'response',
      status: 'completed',
      output_text: 'I look.',
      store: false,
    })
    const call = first.output.find(({ type }) => type === 'function_call')
    expect(call).toMatchObject({ name: 'look', arguments: '{"at":"Rome"}', status: 'completed' })
    const { call_id } = call as OpenAI.Responses.ResponseFunctionToolCall
    const items = first.output as OpenAI.Responses.ResponseInput
    const second = await client.responses.create({
      model,
      input: [...input, ...items, { type: 'function_call_output', call_id, output: 'rain' }],
      tools: [look],
    })
    expect(second.output_text).toBe('It rains.')
    expect(second.usage?.input_tokens).toBeGreaterThan(0)
    expect(second.usage?.total_tokens).toBe(
      (second.usage?.input_tokens ?? 0) + (second.usage?.output_tokens ?? 0),
    )
  })

  it('is put together again by the SDK, streamed', async () => {
    const { client, model } = await clientOf(server)
    const stream = client.responses.stream({ model, input: 'How is the weather?', tools: [look] })
    const types: string[] = []
    for await (const { type } of stream) types.push(type)
    expect(types.slice(0, 2)).toEqual(['response.created', 'response.in_progress'])
    expect(types.at(-1)).toBe('response.completed')
    const response = await stream.finalResponse()
    expect(response.output_text).toBe('I look.')
    expect(response.output.map(({ type }) => type)).toEqual(['message', 'function_call'])
    expect(response.output.at(-1)).toMatchObject({ arguments: '{"at":"Rome"}' })
    expect(response.usage?.output_tokens).toBeGreaterThan(0)
  })

  it('is parsed by a schema', async () => {
    const { client, model } = await clientOf(server)
    const format = zodTextFormat(z.object({ x: z.number(), y: z.number() }), 'point')
    const { output_parsed } = await client.responses.parse({ model, input: 'A point.', text: { format } })
    expect(output_parsed).toEqual({ x: 1, y: 2 })
  })
})

describe('the Responses API of the gateway', () => {
  it('says what to send instead where a store is wanted, and asks nobody', async () => {
    const { client, model, upstream } = await clientOf('Claude')
    const asked = client.responses.create({ model, input: 'a', previous_response_id: 'resp_1' })
    await expect(asked).rejects.toMatchObject({
      status: 400,
      type: 'invalid_request_error',
      message: expect.stringMatching(/previous_response_id.*send the whole conversation/),
    })
    expect(upstream.requests).toEqual([])
  })

  it.each([
    ['store', { store: true }, /^store: responses are not stored here; set "store": false$/],
    ['conversation', { conversation: 'conv_1' }, /^conversation: .* send the whole conversation as "input"/],
    ['background', { background: true }, /^background: .* leave it out/],
    ['prompt', { prompt: { id: 'pmpt_1' } }, /^prompt: .* send the whole conversation as "input"/],
    [
      'an item by its id',
      { input: [{ type: 'item_reference', id: 'msg_1' }] },
      /^input\[0\]: .* send the item itself/,
    ],
  ])('refuses %s before it asks anyone, streamed or not', async (_, more, message) => {
    const { client, model, upstream } = await clientOf('Claude')
    for (const stream of [false, true]) {
      const asked = client.responses.create({ model, input: 'a', stream, ...more } as never)
      await expect(asked).rejects.toMatchObject({
        ...{ status: 400, type: 'invalid_request_error' },
        error: { message: expect.stringMatching(message) },
      })
    }
    expect(upstream.requests).toEqual([])
  })

  it.each([false, true])('has Claude patch files by the tool for that (streamed: %s)', async (stream) => {
    const operation = { type: 'update_file', path: 'a.txt', diff: '@@\n-dam\n+spillway' }
    const reply = ({ json }: { json: unknown }): Reply =>
      JSON.stringify(json).includes('tool_result')
        ? { text: 'Patched.' }
        : { toolUse: [{ name: 'apply_patch', input: operation }] }
    const upstream = forThisTest(await startClaude({ reply, separateWrites: true, checkRules: true }))
    const gateway = await gatewayOf(configOf(targetAt(upstream, 'anthropic')))
    const client = new OpenAI({ apiKey: 'k', baseURL: `${gateway.url}/v1`, maxRetries: 0 })
    const ask = (input: OpenAI.Responses.ResponseInput) => {
      const call = { model: 'claude-sonnet-5', input, tools: [{ type: 'apply_patch' as const }] }
      return stream ? client.responses.stream(call).finalResponse() : client.responses.create(call)
    }
    const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'Greet the spillway.' }]
    const { output } = await ask(input)
    expect(output).toMatchObject([{ type: 'apply_patch_call', status: 'completed', operation }])
    const { call_id } = output[0] as { call_id: string }
    const done = { type: 'apply_patch_call_output' as const, call_id, status: 'completed' as const }
    const second = await ask([...input, ...(output as OpenAI.Responses.ResponseInput), done])
    expect(second.output_text).toBe('Patched.')
  })

  it('has errors in its own form, before a stream and within it', async () => {
    const { client, model, upstream } = await clientOf('Claude')
    upstream.always({ type: 'status', status: 401 })
    await expect(client.responses.create({ model, input: 'a' })).rejects.toMatchObject({
      status: 401,
      code: 'invalid_api_key',
    })
    upstream.always({ type: 'error-in-200', at: 'after-content' })
    const stream = await client.responses.create({ model, input: 'a', stream: true })
    const events: OpenAI.Responses.ResponseStreamEvent[] = []
    const read = async (): Promise<void> => {
      for await (const event of stream) events.push(event)
    }
    await expect(read()).rejects.toThrow('Overloaded')
    expect(events.at(-1)?.type).toBe('response.output_text.delta')
  })

  it('ends a stream that breaks off with what the SDK and Codex look for, under the next numbers', async () => {
    const { gateway, model, upstream } = await clientOf('Claude')
    upstream.always({ type: 'cut', at: 'after-content', how: 'reset' })
    const headers = { 'content-type': 'application/json', authorization: 'Bearer key-of-the-caller' }
    const body = JSON.stringify({ model, input: 'a', stream: true })
    const response = await fetch(`${gateway.url}/v1/responses`, { method: 'POST', headers, body })
    const lines = (await response.text()).split('\n').filter((line) => line.startsWith('data: '))
    const events = lines.map((line) => JSON.parse(line.slice('data: '.length)))
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index))
    expect(events.slice(-2).map(({ type }) => type)).toEqual(['error', 'response.failed'])
    expect(events.at(-1).response).toMatchObject({ id: events[0].response.id, model, status: 'failed' })
  })

  it('counts the tokens of an input', async () => {
    const { client, model } = await clientOf('Claude')
    const counted = await client.responses.inputTokens.count({ model, input: 'How is the weather?' })
    expect(counted).toMatchObject({ object: 'response.input_tokens', input_tokens: expect.any(Number) })
    expect(counted.input_tokens).toBeGreaterThan(2)
  })

  it('ends incomplete where the limit is reached', async () => {
    const upstream = forThisTest(await startClaude({ reply: { text: 'One two', stopReason: 'max_tokens' } }))
    const gateway = await gatewayOf(configOf(targetAt(upstream, 'anthropic')))
    const client = new OpenAI({ apiKey: 'k', baseURL: `${gateway.url}/v1`, maxRetries: 0 })
    const response = await client.responses.create({
      model: 'claude-sonnet-5',
      input: 'a',
      max_output_tokens: 16,
    })
    expect(response).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output_text: 'One two',
    })
  })

  it('finds in each of ten turns what the turn before has written into the cache of Claude', async () => {
    const { client, model, upstream } = await clientOf('Claude')
    const input: OpenAI.Responses.ResponseInput = []
    for (let turn = 0; turn < 10; turn++) {
      input.push({ role: 'user', content: `How is the weather of day ${turn}?` })
      const { output } = await client.responses.create({
        model,
        instructions: 'Look well.',
        input,
        tools: [look],
      })
      input.push(...(output as OpenAI.Responses.ResponseInput))
      const calls = output.filter((item) => item.type === 'function_call')
      input.push(
        ...calls.map(({ call_id }) => ({ type: 'function_call_output' as const, call_id, output: 'rain' })),
      )
    }
    expect(upstream.requests).toHaveLength(10)
    expectCacheFound(upstream.requests)
  })
})

describe('a server that has the Responses API itself', () => {
  const body = {
    model: 'gpt-5.5',
    input: 'a',
    store: true,
    previous_response_id: 'resp_1',
    text: { verbosity: 'low' },
  }
  const post = (url: string, json: object): Promise<Response> =>
    fetch(`${url}/v1/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer key-of-the-caller' },
      body: JSON.stringify(json, null, 2),
    })

  it('gets the call byte for byte, what only a store can do too', async () => {
    const server = forThisTest(await startOpenAi())
    const gateway = await gatewayOf(configOf(targetAt(server, 'openai', { dialect: 'openai' })))
    await post(gateway.url, body)
    const [asked] = server.requests
    expect(asked?.path).toBe('/v1/responses')
    expect(Buffer.from(asked?.body ?? []).toString()).toBe(JSON.stringify(body, null, 2))
  })

  it('is followed by Claude when it is overloaded', async () => {
    const server = forThisTest(await startOpenAi())
    server.always({ type: 'status', status: 503 })
    const claude = forThisTest(await startClaude({ reply: { text: 'From Claude.' } }))
    const targets = [
      targetAt(server, 'openai', { dialect: 'openai' }),
      targetAt(claude, 'anthropic', { model: 'claude-sonnet-5' }),
    ]
    const gateway = await gatewayOf(configOf(targets[0] as object, targets[1]))
    const client = new OpenAI({ apiKey: 'k', baseURL: `${gateway.url}/v1`, maxRetries: 0 })
    const stream = client.responses.stream({ model: 'gpt-5.5', input: 'a' })
    expect((await stream.finalResponse()).output_text).toBe('From Claude.')
  })

  it.each([
    [
      'Claude',
      () => startClaude({ reply: { text: ' five six.' } }),
      'anthropic',
      { model: 'claude-sonnet-5' },
    ],
    ['its like', () => startOpenAi({ reply: { text: ' five six.' } }), 'openai', { dialect: 'openai' }],
    ['a server of chats', () => startOpenAi({ reply: { text: ' five six.' } }), 'openai', { model: 'qwen3' }],
  ] as const)('is gone on with by %s where its stream breaks off', async (_, start, api, more) => {
    const server = forThisTest(await startOpenAi({ reply: { text: 'One two three four five six.' } }))
    server.always({ type: 'cut', at: 'after-content', how: 'reset', afterChunks: 4 })
    const other = forThisTest(await start())
    const targets = [targetAt(server, 'openai', { dialect: 'openai' }), targetAt(other, api, more)]
    const going = { fallback: { midStream: 'continue' } }
    const gateway = await gatewayOf(configOf(targets[0] as object, targets[1], going))
    const client = new OpenAI({ apiKey: 'k', baseURL: `${gateway.url}/v1`, maxRetries: 0 })
    const stream = client.responses.stream({ model: 'gpt-5.5', input: 'Count.' })
    const numbers: number[] = []
    for await (const { sequence_number } of stream) numbers.push(sequence_number)
    expect(numbers).toEqual(numbers.map((_, index) => index))
    const response = await stream.finalResponse()
    expect(response.output_text).toBe('One two three four five six.')
    expect(response.output.map(({ type }) => type)).toEqual(['message'])
  })

  it('is asked by it where it takes a model with tools there alone, from then on at once', async () => {
    const server = forThisTest(await startOpenAi({ reply }))
    const gateway = await gatewayOf(configOf(targetAt(server, 'openai', { dialect: 'openai' })))
    const client = new OpenAI({ apiKey: 'k', baseURL: `${gateway.url}/v1`, maxRetries: 0 })
    const { type, name, parameters } = look
    const tools = [{ type, function: { name, parameters: { ...parameters } } }]
    const call = { model: 'gpt-6.1-sol', messages: [{ role: 'user' as const, content: 'a' }], tools }
    const asked = async (): Promise<unknown> =>
      (await client.chat.completions.create(call)).choices[0]?.message.tool_calls
    const called = [{ type: 'function', function: { name: 'look', arguments: '{"at":"Rome"}' } }]
    expect(await asked()).toMatchObject(called)
    const stream = client.chat.completions.stream({ ...call, stream: true })
    expect((await stream.finalMessage()).tool_calls).toMatchObject(called)
    expect(server.requests.map(({ path, status }) => [path, status])).toEqual([
      ['/v1/chat/completions', 400],
      ['/v1/responses', 200],
      ['/v1/responses', 200],
    ])
  })

  it('answers callers of Messages and of chat where it has nothing else', async () => {
    const server = forThisTest(await startOpenAi({ reply: { text: 'By the Responses API.' } }))
    const gateway = await gatewayOf(
      configOf(targetAt(server, 'openai', { dialect: 'openai', responses: 'only' })),
    )
    const client = new OpenAI({ apiKey: 'k', baseURL: `${gateway.url}/v1`, maxRetries: 0 })
    const messages = [{ role: 'user' as const, content: 'a' }]
    const chat = await client.chat.completions.create({ model: 'gpt-5.5-pro', messages })
    expect(chat.choices[0]?.message.content).toBe('By the Responses API.')
    expect(server.requests.map(({ path }) => path)).toEqual(['/v1/responses'])
  })
})
