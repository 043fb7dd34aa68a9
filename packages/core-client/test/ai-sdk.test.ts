import { createAnthropic } from '@ai-sdk/anthropic'
import { defaultText, type SimulatedServer, startClaude } from '@spillway/testing'
import { APICallError, generateText, jsonSchema, streamText, type ToolSet, tool } from 'ai'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { aiSdkOptions, type Client, createClient } from '../src/index.ts'
import { connectionsDownTo, rejection } from './support.ts'

const gate = tool({
  description: 'Opens a gate',
  inputSchema: jsonSchema<{ gate: number }>({ type: 'object', properties: { gate: { type: 'number' } } }),
})
// The SDK's own types do not agree with each other under `exactOptionalPropertyTypes`.
const tools = { gate } as unknown as ToolSet

describe('the AI SDK with its Anthropic provider', () => {
  let claude: SimulatedServer
  let client: Client
  const ask = (prompt: string) => {
    const anthropic = createAnthropic({ ...aiSdkOptions(client) })
    return { model: anthropic('claude-opus-5-5'), prompt, maxRetries: 0 }
  }
  /** Streams an answer; errors are not thrown by this SDK but reported. */
  const streamed = async (
    prompt = 'Hello',
    signal?: AbortSignal,
  ): Promise<{ text: string; errors: unknown[] }> => {
    const errors: unknown[] = []
    const { textStream } = streamText({
      ...ask(prompt),
      onError: ({ error }) => void errors.push(error),
      ...(signal === undefined ? {} : { abortSignal: signal }),
    })
    let text = ''
    for await (const piece of textStream) text += piece
    return { text, errors }
  }

  beforeEach(async () => {
    claude = await startClaude({
      apiKeys: ['sk-real'],
      separateWrites: true,
      reply: ({ json }) =>
        JSON.stringify(json).includes('Open')
          ? { thinking: 'Which one?', toolUse: [{ name: 'gate', input: { gate: 3 } }] }
          : {},
    })
    client = createClient({ provider: 'anthropic', baseUrl: claude.url, credential: 'sk-real' })
  })
  afterEach(async () => {
    await client.close()
    await claude.close()
  })

  it('generates text', async () => {
    expect((await generateText(ask('Hello'))).text).toBe(defaultText)
  })

  it('streams text', async () => {
    expect(await streamed()).toEqual({ text: defaultText, errors: [] })
  })

  it('gets thinking and tool calls, streamed or not', async () => {
    const whole = await generateText({ ...ask('Open gate 3'), tools })
    const stream = streamText({ ...ask('Open gate 3'), tools })
    await stream.consumeStream()
    for (const [toolCalls, reasoning] of [
      [whole.toolCalls, whole.reasoningText],
      [await stream.toolCalls, await stream.reasoningText],
    ]) {
      expect(toolCalls).toMatchObject([{ toolName: 'gate', input: { gate: 3 } }])
      expect(reasoning).toBe('Which one?')
    }
  })

  it.each([400, 429, 529])('sees status %i as its own class of error', async (status) => {
    claude.next({ type: 'status', status }, { type: 'status', status })
    const error = await rejection(generateText(ask('Hello')))
    const { errors } = await streamed()
    for (const each of [error, errors[0]]) {
      expect(APICallError.isInstance(each)).toBe(true)
      expect(each).toMatchObject({ statusCode: status })
    }
  })

  it('reports an error event that comes after content', async () => {
    claude.next({ type: 'error-in-200', at: 'after-content', afterChunks: 3 })
    const { text, errors } = await streamed()
    expect(text).not.toBe('')
    expect(errors).toHaveLength(1)
  })

  it.each(['end', 'reset'] as const)('reports that a stream was cut by a %s', async (how) => {
    claude.next({ type: 'cut', at: 'after-content', how, afterChunks: 3 })
    const { text, errors } = await streamed()
    expect(text).not.toBe('')
    expect(errors).toHaveLength(1)
  })

  it("closes the upstream's connection when a stream is aborted", async () => {
    claude.next({ type: 'stall', afterChunks: 2, ms: Infinity })
    const controller = new AbortController()
    const { textStream } = streamText({ ...ask('Hello'), abortSignal: controller.signal })
    for await (const _ of textStream) controller.abort()
    await claude.requests[0]?.closedByPeer
    await connectionsDownTo(claude, 0)
  })
})
