import { OpenRouter } from '@openrouter/sdk'
import type { ChatRequest, ChatResult, ChatStreamChunk } from '@openrouter/sdk/models'
import * as errors from '@openrouter/sdk/models/errors'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaultText, type SimulatedServer, startOpenRouter } from './index.ts'

const model = 'anthropic/claude-opus-5.5'
const messages = [{ role: 'user' as const, content: 'Hello' }]
const tool = { name: 'open_gate', input: { gate: 3 } }

describe('the official OpenRouter SDK', () => {
  let server: SimulatedServer
  let client: OpenRouter
  beforeAll(async () => {
    server = await startOpenRouter({
      apiKeys: ['sk-or-test'],
      reply: ({ json }) =>
        JSON.stringify(json).includes('gate') ? { thinking: 'Hm.', toolUse: [tool] } : {},
    })
    client = new OpenRouter({
      apiKey: 'sk-or-test',
      serverURL: `${server.url}/api/v1`,
      httpReferer: 'https://example.com',
      appTitle: 'Gatekeeper',
      retryConfig: { strategy: 'none' },
    })
  })
  afterAll(() => server.close())

  // The return type of `send` does not follow from `stream`.
  const complete = async (ask: ChatRequest = { model, messages }): Promise<ChatResult> =>
    (await client.chat.send({ chatRequest: { ...ask, stream: false } })) as ChatResult
  const streamed = async (ask: ChatRequest): Promise<AsyncIterable<ChatStreamChunk>> =>
    (await client.chat.send({ chatRequest: { ...ask, stream: true } })) as AsyncIterable<ChatStreamChunk>

  it('gets a completion, with its cost', async () => {
    const result = await complete()
    expect(result.choices[0]?.message.content).toBe(defaultText)
    expect(result.usage?.cost).toBeGreaterThan(0)
    expect(server.requests.at(-1)?.headers).toMatchObject({
      authorization: 'Bearer sk-or-test',
      'http-referer': 'https://example.com',
      'x-openrouter-title': 'Gatekeeper',
    })
  })

  it('reads a stream, with thinking and tool calls', async () => {
    const ask = { model, messages: [{ role: 'user' as const, content: 'Open the gate' }] }
    const stream = await streamed(ask)
    let reasoning = ''
    let input = ''
    let cost: number | null | undefined
    for await (const chunk of stream) {
      const delta = chunk.choices[0]?.delta
      reasoning += delta?.reasoning ?? ''
      input += delta?.toolCalls?.[0]?.function?.arguments ?? ''
      cost = chunk.usage?.cost
    }
    expect(reasoning).toBe('Hm.')
    expect(JSON.parse(input)).toEqual(tool.input)
    expect(cost).toBeGreaterThan(0)
    const whole = await complete(ask)
    expect(whole.choices[0]?.message).toMatchObject({ reasoning: 'Hm.', toolCalls: [{ type: 'function' }] })
  })

  it.each([
    [400, errors.BadRequestResponseError],
    [401, errors.UnauthorizedResponseError],
    [402, errors.PaymentRequiredResponseError],
    [403, errors.ForbiddenResponseError],
    [404, errors.NotFoundResponseError],
    [408, errors.RequestTimeoutResponseError],
    [413, errors.PayloadTooLargeResponseError],
    [422, errors.UnprocessableEntityResponseError],
    [429, errors.TooManyRequestsResponseError],
    [500, errors.InternalServerResponseError],
    [502, errors.BadGatewayResponseError],
    [503, errors.ServiceUnavailableResponseError],
    [524, errors.EdgeNetworkTimeoutResponseError],
    [529, errors.ProviderOverloadedResponseError],
  ])('sees status %i as its class of error', async (status, kind) => {
    server.next({ type: 'status', status })
    const sent = complete()
    const error: unknown = await sent.catch((e: unknown) => e)
    expect(error).toBeInstanceOf(kind)
    expect(error).toMatchObject({ statusCode: status, error: { code: status } })
  })

  it('hands on the error of a stream as a chunk', async () => {
    server.next({ type: 'error-in-200', at: 'after-content', errorType: 'overloaded_error' })
    const stream = await streamed({ model, messages })
    let last: unknown
    for await (const chunk of stream) last = chunk
    expect(last).toMatchObject({
      error: { code: 529, metadata: { errorType: 'provider_overloaded' } },
      choices: [{ finishReason: 'error' }],
    })
  })

  it('finds models, its key and a generation', async () => {
    const ids: string[] = []
    for await (const page of await client.models.list({ limit: 1 })) {
      for (const entry of page.result.data) ids.push(entry.id)
    }
    expect(ids).toEqual([model, 'anthropic/claude-sonnet-5.5'])
    const result = await complete()
    const { data } = await client.generations.getGeneration({ id: result.id })
    expect(data).toMatchObject({ id: result.id, model, totalCost: result.usage?.cost, streamed: false })
    expect((await client.apiKeys.getCurrentKeyMetadata()).data.usage).toBeGreaterThanOrEqual(data.totalCost)
    const unknown = client.generations.getGeneration({ id: 'gen-nobody' })
    await expect(unknown).rejects.toBeInstanceOf(errors.NotFoundResponseError)
  })

  it('is refused with an unknown key', async () => {
    const stranger = new OpenRouter({ apiKey: 'sk-or-other', serverURL: `${server.url}/api/v1` })
    const sent = stranger.chat.send({ chatRequest: { model, messages, stream: false } })
    await expect(sent).rejects.toBeInstanceOf(errors.UnauthorizedResponseError)
  })
})
