import { type SimulatedServer, startOllama, startOpenRouter } from '@spillway/testing'
import OpenAI from 'openai'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Client, createClient, openaiOptions } from '../src/index.ts'
import { connectionsDownTo, readAll, rejection } from './support.ts'

const model = 'llama3.2'
const hello: OpenAI.ChatCompletionCreateParamsNonStreaming = {
  model,
  messages: [{ role: 'user', content: 'Hello' }],
}
const gateCall = {
  thinking: 'Which gate?',
  toolUse: [{ id: 'call_1', name: 'open_gate', input: { gate: 3 } }],
}
const upstreams = [
  ['openrouter', startOpenRouter, '/api'],
  ['ollama', startOllama, ''],
] as const

describe.each(upstreams)('the official OpenAI SDK at %s', (provider, start, path) => {
  let server: SimulatedServer
  let client: Client
  let sdk: OpenAI
  beforeEach(async () => {
    server = await start({
      separateWrites: true,
      reply: ({ json }) => (JSON.stringify(json).includes('gate') ? gateCall : { text: 'Good day to you.' }),
    })
    client = createClient({ provider, baseUrl: server.url + path, credential: 'sk-real' })
    sdk = new OpenAI({ ...openaiOptions(client) })
  })
  afterEach(async () => {
    await client.close()
    await server.close()
  })

  it('gets a completion', async () => {
    const { choices } = await sdk.chat.completions.create(hello)
    expect(choices[0]?.message.content).toBe('Good day to you.')
    expect(server.requests[0]?.headers).toMatchObject({ authorization: 'Bearer sk-real' })
  })

  it('reads a stream', async () => {
    const { items, error } = await readAll(await sdk.chat.completions.create({ ...hello, stream: true }))
    expect(error).toBeUndefined()
    expect(items.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('Good day to you.')
  })

  it('assembles tool calls from a stream as it gets them without one', async () => {
    const messages = [{ role: 'user' as const, content: 'Open the gate' }]
    const whole = await sdk.chat.completions.create({ model, messages })
    const streamed = await sdk.chat.completions
      .stream({ model, messages, stream: true })
      .finalChatCompletion()
    for (const { choices } of [whole, streamed]) {
      expect(choices[0]?.finish_reason).toBe('tool_calls')
      expect(choices[0]?.message.tool_calls).toMatchObject([
        { function: { name: 'open_gate', arguments: JSON.stringify({ gate: 3 }) } },
      ])
    }
  })

  it.each([
    [400, OpenAI.BadRequestError],
    [429, OpenAI.RateLimitError],
    [529, OpenAI.InternalServerError],
  ])('sees status %i as its own class of error', async (status, kind) => {
    for (const stream of [false, true]) {
      server.next({ type: 'status', status })
      const error = await rejection(sdk.chat.completions.create({ ...hello, stream }))
      expect(error).toBeInstanceOf(kind)
      expect(error).toMatchObject({ status })
    }
    expect(server.requests).toHaveLength(2)
  })

  it('throws an error that comes after content', async () => {
    server.next({ type: 'error-in-200', at: 'after-content', afterChunks: 2 })
    const { items, error } = await readAll(await sdk.chat.completions.create({ ...hello, stream: true }))
    expect(items.length).toBeGreaterThan(0)
    expect(error).toBeInstanceOf(OpenAI.APIError)
  })

  it.each(['end', 'reset'] as const)('throws when a stream is cut by a %s', async (how) => {
    server.next({ type: 'cut', at: 'after-content', how, afterChunks: 2 })
    const { items, error } = await readAll(await sdk.chat.completions.create({ ...hello, stream: true }))
    expect(items.length).toBeGreaterThan(0)
    expect(error).toBeInstanceOf(OpenAI.APIError)
  })

  it("closes the upstream's connection when a stream is aborted", async () => {
    server.next({ type: 'stall', afterChunks: 2, ms: Infinity })
    const stream = await sdk.chat.completions.create({ ...hello, stream: true })
    for await (const { choices } of stream) {
      if (choices[0]?.delta.content) stream.controller.abort()
    }
    await server.requests[0]?.closedByPeer
    await connectionsDownTo(server, 0)
  })

  it('lists models', async () => {
    expect((await sdk.models.list()).data.length).toBeGreaterThan(0)
    expect(server.requests[0]?.headers).toMatchObject({ authorization: 'Bearer sk-real' })
  })
})
