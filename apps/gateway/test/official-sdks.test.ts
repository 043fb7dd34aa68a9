import Anthropic from '@anthropic-ai/sdk'
import { type Fault, startClaude, startOllama, startOpenRouter } from '@spillway/testing'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import type { Gateway } from '../src/index.ts'
import { configOf, embeddedTarget, forThisTest, gatewayOf, targetAt } from './gateway.ts'

const localReply = 'A local model answers, since Claude is late.'
const question = {
  model: 'claude-opus-5-5',
  max_tokens: 100,
  messages: [{ role: 'user' as const, content: 'Hello?' }],
}
/** The deadline of a call in these tests, in milliseconds; half of it is kept for the local model. */
const total = 8_000
const deadline = { timeouts: { total: `${total}ms` } }
/** Limits of the first target alone: the local model has to be loaded. */
const impatient = { timeouts: { firstContent: '400ms', headers: '400ms' } }

const anthropic = ({ url }: Gateway): Anthropic =>
  new Anthropic({ apiKey: 'sk-of-the-caller', baseURL: url, maxRetries: 0, timeout: total })

const openai = ({ url }: Gateway): OpenAI =>
  new OpenAI({ apiKey: 'sk-of-the-caller', baseURL: `${url}/v1`, maxRetries: 0 })

/** A gateway before a Claude with this fault, with a local model as the last resort. */
async function gatewayBeforeLateClaude(fault: Fault): Promise<Gateway> {
  const claude = forThisTest(await startClaude())
  claude.always(fault)
  const local = embeddedTarget({ reply: localReply })
  return gatewayOf(configOf(targetAt(claude, 'anthropic', impatient), local, deadline))
}

const servedLocally = {
  'x-spillway-served-by': 'local',
  'x-spillway-fallback': 'timeout',
  'x-spillway-attempts': '2',
}

function expectServedLocally(response: Response): void {
  expect(Object.fromEntries(response.headers)).toMatchObject(servedLocally)
}

const lateClaudes: readonly (readonly [string, Fault])[] = [
  ['stalls before its first token', { type: 'slow-first-token', ms: Infinity }],
  ['stalls before its first token and pings', { type: 'slow-first-token', ms: Infinity, pings: 50 }],
  ['never sends headers', { type: 'slow-headers', ms: Infinity }],
]

describe.each(lateClaudes)('the Anthropic SDK, when Claude %s', (_, fault) => {
  it('assembles the local model’s stream to a message inside the deadline', async () => {
    const gateway = await gatewayBeforeLateClaude(fault)
    const startedAt = performance.now()
    const stream = anthropic(gateway).messages.stream(question)
    const { response } = await stream.withResponse()
    const message = await stream.finalMessage()
    expect(performance.now() - startedAt).toBeLessThan(total)
    expectServedLocally(response)
    expect(message).toMatchObject({ type: 'message', role: 'assistant', stop_reason: 'end_turn' })
    expect(message.content).toMatchObject([{ type: 'text', text: localReply }])
    expect(message.usage.output_tokens).toBeGreaterThan(0)
  })

  it('gets the local model’s message unstreamed inside the deadline', async () => {
    const gateway = await gatewayBeforeLateClaude(fault)
    const startedAt = performance.now()
    const { data, response } = await anthropic(gateway).messages.create(question).withResponse()
    expect(performance.now() - startedAt).toBeLessThan(total)
    expectServedLocally(response)
    expect(data.content).toMatchObject([{ type: 'text', text: localReply }])
  })
})

it('without a timeout of its own, a late Claude leaves the local model half of the total', async () => {
  const claude = forThisTest(await startClaude())
  claude.always({ type: 'slow-headers', ms: Infinity })
  const local = embeddedTarget({ reply: localReply })
  const timeouts = { total: '8s' }
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), local, { timeouts }))
  const startedAt = performance.now()
  const { response } = await anthropic(gateway).messages.create(question).withResponse()
  expect(performance.now() - startedAt).toBeLessThan(8_000)
  expectServedLocally(response)
})

describe('the Anthropic SDK, when Claude is well', () => {
  it('gets Claude’s own message', async () => {
    const claude = forThisTest(await startClaude({ reply: { text: 'Claude is well.' } }))
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
    const { data, response } = await anthropic(gateway).messages.create(question).withResponse()
    expect(data.content).toMatchObject([{ type: 'text', text: 'Claude is well.' }])
    expect(response.headers.get('x-spillway-served-by')).toBe('claude')
    expect(response.headers.get('x-spillway-attempts')).toBe('1')
    expect(response.headers.has('x-spillway-fallback')).toBe(false)
  })

  it('streams thinking and tool calls', async () => {
    const toolUse = [{ name: 'weather', input: { city: 'Zürich', days: 3 } }]
    const claude = forThisTest(await startClaude({ reply: { thinking: 'Hm, well.', text: 'So.', toolUse } }))
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
    const message = await anthropic(gateway).messages.stream(question).finalMessage()
    expect(message.content).toMatchObject([
      { type: 'thinking', thinking: 'Hm, well.' },
      { type: 'text', text: 'So.' },
      { type: 'tool_use', name: 'weather', input: { city: 'Zürich', days: 3 } },
    ])
    expect(message.stop_reason).toBe('tool_use')
  })

  it('counts tokens', async () => {
    const claude = forThisTest(await startClaude())
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
    const { model, messages } = question
    const { input_tokens } = await anthropic(gateway).messages.countTokens({ model, messages })
    expect(input_tokens).toBeGreaterThan(0)
  })

  it('throws its own error class for an error of the upstream', async () => {
    const claude = forThisTest(await startClaude())
    claude.always({ type: 'status', status: 429, retryAfter: 7 })
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
    const failing = anthropic(gateway).messages.create(question)
    await expect(failing).rejects.toBeInstanceOf(Anthropic.RateLimitError)
  })
})

const chatServers = [
  ['openrouter', startOpenRouter, 'anthropic/claude-opus-5.5'],
  ['openai', startOpenRouter, 'gpt-5'],
  ['ollama', startOllama, 'llama3.2'],
] as const

describe.each(chatServers)('the OpenAI SDK, through a target of api %s', (api, start, model) => {
  const messages = [{ role: 'user' as const, content: 'Hello?' }]

  it('gets a completion', async () => {
    const server = forThisTest(await start({ reply: { text: 'A completion.' } }))
    const gateway = await gatewayOf(configOf(targetAt(server, api)))
    const request = openai(gateway).chat.completions.create({ model, messages })
    const { data, response } = await request.withResponse()
    expect(data.choices[0]?.message.content).toBe('A completion.')
    expect(response.headers.get('x-spillway-served-by')).toBe('claude')
    expect(server.requests[0]?.path).toMatch(/^(\/api)?\/v1\/chat\/completions$/)
  })

  it('reads a stream to its end', async () => {
    const server = forThisTest(
      await start({ reply: { text: 'A streamed completion.' }, separateWrites: true }),
    )
    const gateway = await gatewayOf(configOf(targetAt(server, api)))
    let text = ''
    let reason: string | null | undefined
    for await (const chunk of await openai(gateway).chat.completions.create({
      model,
      messages,
      stream: true,
    })) {
      text += chunk.choices[0]?.delta.content ?? ''
      reason = chunk.choices[0]?.finish_reason ?? reason
    }
    expect(text).toBe('A streamed completion.')
    expect(reason).toBe('stop')
  })

  it('is answered by the local model when the target is late', async () => {
    const server = forThisTest(await start())
    server.always({ type: 'slow-first-token', ms: Infinity })
    const local = embeddedTarget({ reply: localReply })
    const gateway = await gatewayOf(configOf(targetAt(server, api, impatient), local, deadline))
    const request = openai(gateway).chat.completions.create({ model, messages })
    const { data, response } = await request.withResponse()
    expect(data.choices[0]?.message.content).toBe(localReply)
    expectServedLocally(response)
  })
})
