import { startOpenAi } from '@spillway/testing'
import OpenAI from 'openai'
import { expect, it } from 'vitest'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'

const tool = {
  type: 'function' as const,
  function: {
    name: 'f',
    strict: true,
    parameters: { type: 'object', properties: {}, additionalProperties: false },
  },
}

const newer: OpenAI.ChatCompletionCreateParamsNonStreaming = {
  model: 'deepseek-v4-pro',
  max_completion_tokens: 100,
  safety_identifier: 'u',
  messages: [
    { role: 'developer', content: 'be brief' },
    { role: 'user', content: 'go' },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: 'call_1', content: 'r' },
  ],
  tools: [tool],
}

async function clientAt(rules: 'openai' | 'deepseek', dialect: string) {
  const server = forThisTest(await startOpenAi({ rules }))
  const gateway = await gatewayOf(configOf(targetAt(server, 'openai', { dialect })))
  return { server, client: new OpenAI({ apiKey: 'k', baseURL: `${gateway.url}/v1`, maxRetries: 0 }) }
}

it('a server with the rules of DeepSeek takes a chat in the newer words of OpenAI at once', async () => {
  const { server, client } = await clientAt('deepseek', 'deepseek')
  const { data, response } = await client.chat.completions.create(newer).withResponse()
  expect(data.choices[0]?.message.content).toBeTruthy()
  expect(response.headers.get('x-spillway-degraded')).toBe('metadata, structured_output')
  const stream = await client.chat.completions.create({ ...newer, stream: true })
  const chunks: OpenAI.ChatCompletionChunk[] = []
  for await (const chunk of stream) chunks.push(chunk)
  expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop')
  expect(server.requests).toHaveLength(2)
})

it('a server that is named wrongly teaches the words that it takes, once', async () => {
  const { server, client } = await clientAt('deepseek', 'openai')
  const { tools: _, ...plain } = newer
  const question = { ...plain, messages: plain.messages.slice(0, 2) }
  const { response } = await client.chat.completions.create(question).withResponse()
  expect(response.headers.get('x-spillway-degraded')).toBe('metadata')
  const before = server.requests.length
  expect(before).toBeGreaterThan(1)
  await client.chat.completions.create(question)
  expect(server.requests).toHaveLength(before + 1)
})

it.each(['openai', 'openai-compatible'])(
  'a model of OpenAI that thinks takes a chat in the older words, dialect %s',
  async (dialect) => {
    const { client } = await clientAt('openai', dialect)
    const question = {
      model: 'gpt-5.5',
      max_tokens: 100,
      messages: [
        { role: 'system' as const, content: 'be brief' },
        { role: 'user' as const, content: 'go' },
      ],
    }
    const { data, response } = await client.chat.completions.create(question).withResponse()
    expect(data.choices[0]?.message.content).toBeTruthy()
    expect(response.headers.get('x-spillway-degraded')).toBeNull()
  },
)

it('what a server refuses of what the caller asks for stays refused', async () => {
  const { server, client } = await clientAt('deepseek', 'deepseek')
  const question = { ...newer, seed: 7 }
  await expect(client.chat.completions.create(question)).rejects.toThrow(/unknown field `seed`/)
  expect(server.requests).toHaveLength(1)
})
