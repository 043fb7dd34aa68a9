import { HTTPClient, OpenRouter } from '@openrouter/sdk'
import type { ChatRequest, ChatResult, ChatStreamChunk } from '@openrouter/sdk/models'
import * as errors from '@openrouter/sdk/models/errors'
import { defaultText, type SimulatedServer, startOpenRouter } from '@spillway/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Client, createClient, openrouterOptions } from '../src/index.ts'
import { connectionsDownTo, readAll, rejection } from './support.ts'

const hello: ChatRequest = {
  model: 'anthropic/claude-opus-5.5',
  messages: [{ role: 'user', content: 'Hello' }],
}

describe('the official OpenRouter SDK', () => {
  let server: SimulatedServer
  let client: Client
  let sdk: OpenRouter
  // The return type of `send` does not follow from `stream`.
  const complete = async (ask = hello): Promise<ChatResult> =>
    (await sdk.chat.send({ chatRequest: { ...ask, stream: false } })) as ChatResult
  const streamed = async (ask = hello): Promise<AsyncIterable<ChatStreamChunk>> =>
    (await sdk.chat.send({ chatRequest: { ...ask, stream: true } })) as AsyncIterable<ChatStreamChunk>

  beforeEach(async () => {
    server = await startOpenRouter({
      apiKeys: ['sk-or-real'],
      separateWrites: true,
      reply: ({ json }) =>
        JSON.stringify(json).includes('gate')
          ? { thinking: 'Hm.', toolUse: [{ name: 'open_gate', input: { gate: 3 } }] }
          : {},
    })
    client = createClient({
      provider: 'openrouter',
      baseUrl: `${server.url}/api`,
      credential: 'sk-or-real',
      app: { url: 'https://example.com', title: 'Gatekeeper' },
    })
    sdk = new OpenRouter({ ...openrouterOptions(client, HTTPClient) })
  })
  afterEach(async () => {
    await client.close()
    await server.close()
  })

  it('gets a completion', async () => {
    expect((await complete()).choices[0]?.message.content).toBe(defaultText)
    expect(server.requests[0]?.headers).toMatchObject({
      authorization: 'Bearer sk-or-real',
      'http-referer': 'https://example.com',
      'x-openrouter-title': 'Gatekeeper',
    })
  })

  it('reads a stream', async () => {
    const { items, error } = await readAll(await streamed())
    expect(error).toBeUndefined()
    expect(items.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(defaultText)
  })

  it('gets thinking and tool calls, streamed or not', async () => {
    const ask: ChatRequest = { ...hello, messages: [{ role: 'user', content: 'Open the gate' }] }
    const whole = (await complete(ask)).choices[0]?.message
    expect(whole).toMatchObject({ reasoning: 'Hm.', toolCalls: [{ function: { name: 'open_gate' } }] })
    let reasoning = ''
    let input = ''
    for await (const { choices } of await streamed(ask)) {
      reasoning += choices[0]?.delta.reasoning ?? ''
      input += choices[0]?.delta.toolCalls?.[0]?.function?.arguments ?? ''
    }
    expect({ reasoning, input }).toEqual({ reasoning: 'Hm.', input: JSON.stringify({ gate: 3 }) })
  })

  it.each([
    [400, errors.BadRequestResponseError],
    [429, errors.TooManyRequestsResponseError],
    [529, errors.ProviderOverloadedResponseError],
  ])('sees status %i as its own class of error', async (status, kind) => {
    for (const ask of [complete, streamed]) {
      server.next({ type: 'status', status })
      expect(await rejection(ask())).toBeInstanceOf(kind)
    }
    expect(server.requests).toHaveLength(2)
  })

  it('hands on the error chunk that comes after content', async () => {
    server.next({ type: 'error-in-200', at: 'after-content', errorType: 'overloaded_error' })
    const { items } = await readAll(await streamed())
    expect(items.at(-1)).toMatchObject({ error: { code: 529 }, choices: [{ finishReason: 'error' }] })
  })

  it.each(['end', 'reset'] as const)('throws when a stream is cut by a %s', async (how) => {
    server.next({ type: 'cut', at: 'after-content', how, afterChunks: 3 })
    const { items, error } = await readAll(await streamed())
    expect(items.length).toBeGreaterThan(0)
    expect(error).toBeInstanceOf(Error)
  })

  it("closes the upstream's connection when the loop over a stream is left", async () => {
    server.next({ type: 'stall', afterChunks: 2, ms: Infinity })
    for await (const { choices } of await streamed()) {
      if (choices[0]?.delta.content) break
    }
    await server.requests[0]?.closedByPeer
    await connectionsDownTo(server, 0)
  })

  it("closes the upstream's connection when the caller aborts", async () => {
    server.next({ type: 'slow-headers', ms: Infinity })
    const controller = new AbortController()
    const arrived = server.nextRequest()
    const sent = rejection(
      sdk.chat.send(
        { chatRequest: { ...hello, stream: false } },
        { fetchOptions: { signal: controller.signal } },
      ),
    )
    const request = await arrived
    controller.abort()
    expect(await sent).toBeInstanceOf(Error)
    await request.closedByPeer
  })
})
