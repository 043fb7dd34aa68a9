import { createAnthropic } from '@ai-sdk/anthropic'
import { APICallError, generateText, jsonSchema, streamText, type ToolSet, tool } from 'ai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaultText, type SimulatedServer, startClaude } from './index.ts'

const gate = tool({
  description: 'Opens a gate',
  inputSchema: jsonSchema<{ gate: number }>({ type: 'object', properties: { gate: { type: 'number' } } }),
})
// The SDK's own types do not agree with each other under `exactOptionalPropertyTypes`.
const tools = { gate } as unknown as ToolSet

describe('the AI SDK with its Anthropic provider', () => {
  let claude: SimulatedServer
  const model = () => createAnthropic({ apiKey: 'sk-test', baseURL: `${claude.url}/v1` })('claude-opus-5-5')
  beforeAll(async () => {
    claude = await startClaude({
      reply: ({ json }) =>
        JSON.stringify(json).includes('Open')
          ? { thinking: 'Which one?', toolUse: [{ name: 'gate', input: { gate: 3 } }] }
          : {},
    })
  })
  afterAll(() => claude.close())

  it('generates text, on the older version of the API', async () => {
    const { text, finishReason, usage } = await generateText({
      model: model(),
      prompt: 'Hello',
      maxRetries: 0,
    })
    expect({ text, finishReason }).toEqual({ text: defaultText, finishReason: 'stop' })
    expect(usage.inputTokens).toBeGreaterThan(0)
    expect(claude.requests.at(-1)?.headers['anthropic-version']).toBe('2023-06-01')
  })

  it('streams text', async () => {
    const { textStream, finishReason } = streamText({ model: model(), prompt: 'Hello', maxRetries: 0 })
    const pieces: string[] = []
    for await (const piece of textStream) pieces.push(piece)
    expect(pieces.join('')).toBe(defaultText)
    expect(pieces.length).toBeGreaterThan(1)
    expect(await finishReason).toBe('stop')
  })

  it('gets thinking and tool calls, streamed or not', async () => {
    const ask = { model: model(), prompt: 'Open gate 3', tools, maxRetries: 0 }
    const whole = await generateText(ask)
    const streamed = streamText(ask)
    await streamed.consumeStream()
    for (const { toolCalls, reasoningText, finishReason } of [
      whole,
      {
        toolCalls: await streamed.toolCalls,
        reasoningText: await streamed.reasoningText,
        finishReason: await streamed.finishReason,
      },
    ]) {
      expect(toolCalls).toMatchObject([{ toolName: 'gate', input: { gate: 3 } }])
      expect({ reasoningText, finishReason }).toEqual({
        reasoningText: 'Which one?',
        finishReason: 'tool-calls',
      })
    }
  })

  it('sees errors as its own', async () => {
    claude.next({ type: 'status', status: 529 })
    const error: unknown = await generateText({ model: model(), prompt: 'Hi', maxRetries: 0 }).catch(
      (e: unknown) => e,
    )
    expect(APICallError.isInstance(error)).toBe(true)
    expect(error).toMatchObject({ statusCode: 529, isRetryable: true, message: 'Overloaded' })

    claude.next({ type: 'error-in-200', at: 'after-content' })
    const seen: unknown[] = []
    const { textStream } = streamText({
      model: model(),
      prompt: 'Hi',
      maxRetries: 0,
      onError: (e) => void seen.push(e),
    })
    let text = ''
    for await (const piece of textStream) text += piece
    expect(defaultText.startsWith(text)).toBe(true)
    expect(seen).toHaveLength(1)
  })
})
