import { createRequest } from '@spillway/middleware'
import { jsonBodyFromObject, readBody, type Venue } from '@spillway/middleware/kit'
import { startOpenAi } from '@spillway/testing'
import OpenAI from 'openai'
import { expect, it } from 'vitest'
import { createClient } from './client.ts'
import type { Provider } from './provider.ts'

const asked = { model: 'gpt-5.5', input: 'Hi' }

it('takes Responses where the provider speaks it: the official client, whole and streamed', async () => {
  await using server = await startOpenAi({ apiKeys: ['sk-own'], reply: { text: 'Hello' } })
  await using client = createClient({ provider: 'openai', credential: 'sk-own', baseUrl: server.url })
  const openai = new OpenAI({ apiKey: 'sk-other', fetch: client.fetch, maxRetries: 0 })
  expect((await openai.responses.create(asked)).output_text).toBe('Hello')
  expect((await openai.responses.stream(asked).finalResponse()).output_text).toBe('Hello')
  expect((await openai.responses.inputTokens.count(asked)).input_tokens).toBeGreaterThan(0)
  server.next({ type: 'cut', at: 'after-content', how: 'end' })
  await expect(openai.responses.stream(asked).finalResponse()).rejects.toThrow(/before it was complete/)
})

it.each<[Provider, Venue | undefined, string]>([
  ['anthropic', undefined, "OpenAI's Responses API"],
  ['anthropic', 'bedrock', 'Amazon Bedrock'],
  ['anthropic', 'vertex', 'Vertex AI'],
  ['openrouter', 'bedrock', 'Amazon Bedrock'],
])('refuses what no endpoint of %s takes, before anything is sent (%s)', async (provider, venue, form) => {
  await using client = createClient({ provider, credential: null, baseUrl: 'http://127.0.0.1:9' })
  const api = venue === undefined ? 'responses' : 'anthropic'
  const body = jsonBodyFromObject({ anthropic_version: '2026-10-21', messages: [] })
  const request = createRequest({ api, venue, model: 'm', stream: false, url: '/model/m/invoke', body })
  const { failure, body: said } = await client.handler(request)
  expect(failure).toMatchObject({ kind: 'unfit', origin: 'spillway', retryable: false })
  expect(failure?.message).toContain(form)
  expect(Buffer.from(await readBody(said)).toString()).toContain(form)
})
