import { createClient, type ProviderProfile } from '@spillway/core-client'
import { createRequest, isStreamFailure } from '@spillway/middleware'
import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { startBedrock, startVertex } from '@spillway/testing'
import { expect, it } from 'vitest'
import { bedrock, vertex } from '../index.ts'

it.each([
  ['Bedrock', startBedrock, (url: string): ProviderProfile => bedrock({ region: 'us-east-1', url })],
  [
    'Vertex AI',
    startVertex,
    (url: string): ProviderProfile => vertex({ project: 'p', region: 'global', url }),
  ],
])('the end of an answer that declines is kept back at %s, in first-party form', async (_, start, at) => {
  await using server = await start({ reply: { text: 'I was about to', refusal: { category: 'cyber' } } })
  await using client = createClient({ provider: at(server.url), credential: 'key' })
  const body = {
    model: 'claude-opus-5',
    max_tokens: 9,
    stream: true,
    messages: [{ role: 'user', content: 'Hi' }],
  }
  const response = await client.handler(
    createRequest({
      ...{ api: 'anthropic', model: body.model, stream: true, url: '/v1/messages', holdRefusal: true },
      headers: { 'anthropic-version': '2023-06-01' },
      body: jsonBodyFromObject(body),
    }),
  )
  let text = ''
  const failure = await (async () => {
    for await (const chunk of response.body) text += Buffer.from(chunk).toString()
  })().then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(text).toContain('about')
  expect(text).not.toContain('refusal')
  if (!isStreamFailure(failure)) throw new Error('the stream has ended')
  expect(failure.failure).toMatchObject({ kind: 'refusal', code: 'cyber' })
  const end = Buffer.from(failure.eventBytes ?? []).toString()
  expect(end).toMatch(/event: message_delta\ndata: .*"stop_reason":"refusal"/)
  expect(end).toMatch(/event: message_stop\ndata: \{.*\}\n\n$/)
})
