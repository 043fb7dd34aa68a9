import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterAll, describe, expect, it } from 'vitest'
import { fetchOver } from '../test/call-transport.ts'
import { modelFolder } from '../test/model-file.ts'
import { embeddedTransport } from './embedded-transport.ts'
import { openEngine } from './engine.ts'

const reply = 'A local model answers, in 日本語 too 🎉.'
const engine = openEngine({ modelPath: modelFolder()('sdk.gguf', { reply }), contextSize: 512 })
const transport = embeddedTransport(engine)
afterAll(() => engine.close())

const messages = [{ role: 'user' as const, content: 'Hello?' }]

describe('the official Anthropic SDK', () => {
  const client = new Anthropic({ apiKey: 'none', maxRetries: 0, fetch: fetchOver(transport, 'anthropic') })
  const question = { model: 'claude-opus-5-5', max_tokens: 100, messages }

  it('reads a message', async () => {
    const message = await client.messages.create(question)
    expect(message.content).toEqual([{ type: 'text', text: reply }])
  })

  it('reads a stream to the same message', async () => {
    const stream = client.messages.stream(question)
    const pieces: string[] = []
    stream.on('text', (piece) => pieces.push(piece))
    const message = await stream.finalMessage()
    expect(message.content).toMatchObject([{ type: 'text', text: reply }])
    expect(message).toMatchObject({ model: 'sdk', stop_reason: 'end_turn' })
    expect(message.usage.output_tokens).toBeGreaterThan(pieces.length)
    expect(pieces.join('')).toBe(reply)
  })

  it('reads an error', async () => {
    const wrong = client.messages.create({ ...question, messages: [] })
    await expect(wrong).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('at least one message'),
    })
    await expect(wrong).rejects.toBeInstanceOf(Anthropic.BadRequestError)
  })
})

describe('the official OpenAI SDK', () => {
  const client = new OpenAI({ apiKey: 'none', maxRetries: 0, fetch: fetchOver(transport, 'openai') })

  it('reads a completion', async () => {
    const completion = await client.chat.completions.create({ model: 'gpt', messages })
    expect(completion.choices[0]?.message.content).toBe(reply)
  })

  it('reads a stream and its usage', async () => {
    const options = { model: 'gpt', messages, stream: true, stream_options: { include_usage: true } } as const
    let text = ''
    let total = 0
    for await (const chunk of await client.chat.completions.create(options)) {
      text += chunk.choices[0]?.delta.content ?? ''
      total = chunk.usage?.total_tokens ?? 0
    }
    expect(text).toBe(reply)
    expect(total).toBeGreaterThan(10)
  })

  it('reads an error', async () => {
    const wrong = client.chat.completions.create({ model: 'gpt', messages: [] })
    await expect(wrong).rejects.toBeInstanceOf(OpenAI.BadRequestError)
  })
})
