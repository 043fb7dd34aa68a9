import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { retry } from '@spillway/retry'
import { defaultText, type Fault, type SimulatedServer, startClaude, startOpenAi } from '@spillway/testing'
import {
  APICallError,
  convertToModelMessages,
  generateText,
  jsonSchema,
  Output,
  stepCountIs,
  streamText,
  type ToolSet,
  tool,
  wrapLanguageModel,
} from 'ai'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type ResilientModelOptions, resilientModel } from '../src/index.ts'

const status = (code: number): Fault => ({ type: 'status', status: code })
const gate = tool({
  description: 'Opens a gate',
  inputSchema: jsonSchema<{ gate: number }>({ type: 'object', properties: { gate: { type: 'number' } } }),
  execute: ({ gate: number }) => `gate ${number} is open`,
})
// The SDK's own types do not agree with each other under `exactOptionalPropertyTypes`.
const tools = { gate } as unknown as ToolSet

let claude: SimulatedServer
let openai: SimulatedServer

beforeAll(async () => {
  claude = await startClaude({
    separateWrites: true,
    reply: ({ json }) => {
      const said = JSON.stringify(json)
      if (said.includes('as JSON')) return { text: '{"gate":3}' }
      if (said.includes('is open')) return { text: 'It is open.' }
      return said.includes('Open')
        ? { thinking: 'Which?', toolUse: [{ name: 'gate', input: { gate: 3 } }] }
        : {}
    },
  })
  openai = await startOpenAi({ reply: () => ({ text: 'From the other one.' }) })
})
afterAll(() => Promise.all([claude.close(), openai.close()]))

function models(options: ResilientModelOptions = {}) {
  const anthropic = createAnthropic({ baseURL: `${claude.url}/v1`, apiKey: 'sk-a' })
  const chat = createOpenAI({ baseURL: `${openai.url}/v1`, apiKey: 'sk-o' })
  return resilientModel([anthropic('claude-opus-5-5'), chat.chat('gpt-5.2')], options)
}

async function streamed(options: Parameters<typeof streamText>[0]) {
  const errors: unknown[] = []
  const result = streamText({ onError: ({ error }) => void errors.push(error), ...options })
  let text = ''
  for await (const piece of result.textStream) text += piece
  return { text, errors, result }
}

describe('generateText', () => {
  it('is answered by the second model, and says so', async () => {
    claude.next(status(529))
    const { text, response, providerMetadata, usage } = await generateText({ model: models(), prompt: 'Hi' })
    expect(text).toBe('From the other one.')
    expect(response.modelId).toBe('gpt-5.2')
    expect(providerMetadata?.spillway).toMatchObject({ attempts: 2, fallback: 'overloaded' })
    expect(usage.outputTokens).toBeGreaterThan(0)
  })

  it('is answered by the first after retries, and the AI SDK adds none of its own', async () => {
    const model = models({
      each: () => [retry({ attempts: 3, baseDelay: 1 })],
      fallback: { when: () => false },
    })
    claude.next(status(503), status(503))
    expect((await generateText({ model, prompt: 'Hi' })).text).toBe(defaultText)

    const before = claude.requests.length
    claude.next(status(503), status(503), status(503))
    const error = await generateText({ model, prompt: 'Hi' }).catch((thrown: unknown) => thrown)
    expect(APICallError.isInstance(error)).toBe(true)
    expect(claude.requests.length - before).toBe(3)
  })

  it('takes a model of an older provider that `ai` has turned into one of today', async () => {
    const anthropic = createAnthropic({ baseURL: `${claude.url}/v1`, apiKey: 'sk-a' })('claude-opus-5-5')
    const older = new Proxy(anthropic, {
      get: (model, name) => (name === 'specificationVersion' ? 'v3' : Reflect.get(model, name, model)),
    })
    expect(() => resilientModel([older])).toThrow(/wrapLanguageModel/)
    const model = resilientModel([wrapLanguageModel({ model: older, middleware: [] })])
    expect((await generateText({ model, prompt: 'Hi' })).text).toBe(defaultText)
  })

  it('gets what was asked for as an object', async () => {
    claude.next({ type: 'malformed', how: 'html' })
    const schema = jsonSchema<{ gate: number }>({
      ...{ type: 'object', properties: { gate: { type: 'number' } }, required: ['gate'] },
      additionalProperties: false,
    })
    const model = models({ each: () => [retry({ baseDelay: 1 })] })
    const { output } = await generateText({
      model,
      prompt: 'A gate as JSON',
      output: Output.object({ schema }),
    })
    expect(output).toEqual({ gate: 3 })
  })
})

describe('streamText', () => {
  it.each<[string, Fault]>([
    ['an HTTP error', status(503)],
    ['an error event at the start', { type: 'error-in-200', at: 'start' }],
    ['an error event before content', { type: 'error-in-200', at: 'before-content' }],
    ['a connection that is reset', { type: 'reset' }],
    ['a cut before content', { type: 'cut', at: 'before-content', how: 'reset' }],
    ['a clean end before content', { type: 'cut', at: 'before-content', how: 'end' }],
    ['an event that is no JSON', { type: 'malformed', how: 'json' }],
    ['an empty body', { type: 'malformed', how: 'empty' }],
    ['silence before content', { type: 'slow-first-token', ms: Infinity, pings: 20 }],
    ['silence before headers', { type: 'slow-headers', ms: Infinity }],
  ])('is answered by the second model after %s', async (_, fault) => {
    claude.next(fault)
    const { text, errors, result } = await streamed({
      model: models({ timeouts: { firstContent: 300 } }),
      ...{ prompt: 'Hi', maxRetries: 0 },
    })
    expect({ text, errors }).toEqual({ text: 'From the other one.', errors: [] })
    expect((await result.response).modelId).toBe('gpt-5.2')
    expect(await result.finishReason).toBe('stop')
  })

  it.each<[string, Fault]>([
    ['a reset', { type: 'cut', at: 'after-content', how: 'reset' }],
    ['a clean end', { type: 'cut', at: 'after-content', how: 'end' }],
    ['an error event', { type: 'error-in-200', at: 'after-content' }],
    ['silence', { type: 'stall', afterChunks: 2, ms: Infinity }],
  ])('says that an answer is not whole after %s in it', async (_, fault) => {
    claude.next(fault)
    const { text, errors } = await streamed({ model: models({ timeouts: { idle: 200 } }), prompt: 'Hi' })
    expect(defaultText.startsWith(text)).toBe(true)
    expect(text).not.toBe('')
    expect(errors).toHaveLength(1)
  })

  it('runs tools over several steps, each with its own policies', async () => {
    claude.next(status(529))
    const model = models({ each: () => [retry({ baseDelay: 1, maxWaitWithFallback: 10 })] })
    const { text, errors, result } = await streamed({
      ...{ model, tools, prompt: 'Open gate 3', stopWhen: stepCountIs(3) },
    })
    expect({ text, errors }).toEqual({ text: 'It is open.', errors: [] })
    expect((await result.steps).map(({ toolResults }) => toolResults.map(({ output }) => output))).toEqual([
      ['gate 3 is open'],
      [],
    ])
    expect((await result.steps)[0]?.reasoningText).toBe('Which?')
  })
})

describe('a route that streams messages to a page', () => {
  let server: Server
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  /** What a route handler of Next is, behind Node's server. */
  async function startRoute(): Promise<string> {
    const model = models()
    const route = async (request: Request): Promise<Response> => {
      const { messages } = (await request.json()) as {
        messages: Parameters<typeof convertToModelMessages>[0]
      }
      const result = streamText({ model, messages: await convertToModelMessages(messages), maxRetries: 0 })
      return result.toUIMessageStreamResponse({ onError: (error) => String((error as Error).name) })
    }
    server = createServer(async (req, res) => {
      let body = ''
      for await (const chunk of req) body += chunk
      const response = await route(new Request('http://app.test/api/chat', { method: 'POST', body }))
      res.writeHead(response.status, Object.fromEntries(response.headers))
      for await (const chunk of response.body ?? []) res.write(chunk)
      res.end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  }

  it('shows the answer of the second model alone, or the beginning of one and an error', async () => {
    const url = await startRoute()
    const message = { id: '1', role: 'user', parts: [{ type: 'text', text: 'Hi' }] }
    const ask = async () => {
      const response = await fetch(url, { method: 'POST', body: JSON.stringify({ messages: [message] }) })
      const events = [...(await response.text()).matchAll(/^data: (\{.*\})$/gm)]
      return events.map(([, json]) => JSON.parse(json as string) as { type: string; delta?: string })
    }
    claude.next({ type: 'error-in-200', at: 'before-content' })
    const whole = await ask()
    expect(whole.map(({ delta = '' }) => delta).join('')).toBe('From the other one.')
    expect(whole.filter(({ type }) => type === 'text-start')).toHaveLength(1)
    expect(whole.at(-1)?.type).toBe('finish')

    claude.next({ type: 'cut', at: 'after-content', how: 'end' })
    expect((await ask()).map(({ type }) => type)).toContain('error')
  })
})
