import Anthropic from '@anthropic-ai/sdk'
import { describe as describeChain, type Handler } from '@spillway/middleware'
import { startClaude, startOllama, startOpenAi, startOpenRouter } from '@spillway/testing'
import OpenAI from 'openai'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type ResilientOptions, resilient, target } from './index.ts'
import { openRouterName } from './providers.ts'

const callersKey = 'sk-ant-of-the-caller'

async function forThisTest<T extends { close(): Promise<unknown> }>(starting: Promise<T>): Promise<T> {
  const server = await starting
  onTestFinished(async () => void (await server.close()))
  return server
}

const startDown = async () => {
  const claude = await forThisTest(startClaude({ apiKeys: [callersKey] }))
  claude.always({ type: 'status', status: 503 })
  return claude
}

const quick = { retry: { attempts: 2, baseDelay: 1 } } satisfies ResilientOptions

function anthropicAt(url: string, options: ResilientOptions): Anthropic {
  return new Anthropic({
    ...{ baseURL: url, apiKey: callersKey, maxRetries: 0 },
    fetch: resilient(fetch, { ...quick, ...options }),
  })
}

const question = {
  model: 'claude-sonnet-5-5',
  max_tokens: 50,
  messages: [{ role: 'user' as const, content: 'Hello?' }],
}

const textOf = (message: Anthropic.Message): string =>
  message.content.map((block) => (block.type === 'text' ? block.text : '')).join('')

describe('a fallback in a few words', () => {
  it('is OpenRouter with a key, asked for the same model by its name there', async () => {
    const claude = await startDown()
    const router = await forThisTest(
      startOpenRouter({ apiKeys: ['sk-or-1'], reply: { text: 'From the router.' } }),
    )
    const anthropic = anthropicAt(claude.url, {
      fallback: [{ provider: 'openrouter', baseUrl: `${router.url}/api`, credential: 'sk-or-1' }],
    })
    expect(textOf(await anthropic.messages.create(question))).toBe('From the router.')
    expect(await anthropic.messages.stream(question).finalText()).toBe('From the router.')
    expect(claude.requests.length).toBeGreaterThanOrEqual(3)
    for (const { headers, json } of router.requests) {
      expect(json).toMatchObject({ model: 'anthropic/claude-sonnet-5.5' })
      expect(JSON.stringify(headers)).not.toContain(callersKey)
    }
  })

  it('is OpenAI, by the Responses API where it takes tools there alone', async () => {
    const claude = await startDown()
    const openai = await forThisTest(startOpenAi({ reply: { toolUse: [{ name: 'look', input: {} }] } }))
    const there: typeof fetch = (input, init) =>
      fetch(String(input).replace('https://api.openai.com', openai.url), init)
    const anthropic = new Anthropic({
      ...{ baseURL: claude.url, apiKey: callersKey, maxRetries: 0 },
      fetch: resilient(there, {
        ...quick,
        fallback: [{ provider: 'openai', credential: 'k', model: 'gpt-6.1-sol' }],
      }),
    })
    const tools = [{ name: 'look', input_schema: { type: 'object' as const } }]
    const { content } = await anthropic.messages.create({ ...question, tools })
    expect(content).toMatchObject([{ type: 'tool_use', name: 'look' }])
    expect(openai.requests.map(({ path }) => path)).toEqual(['/v1/chat/completions', '/v1/responses'])
  })

  it('is a local model, in its own protocol', async () => {
    const claude = await startDown()
    const ollama = await forThisTest(
      startOllama({ models: ['qwen3:8b'], reply: { text: 'From this machine.' } }),
    )
    const anthropic = anthropicAt(claude.url, {
      fallback: [{ provider: 'ollama', baseUrl: ollama.url, model: 'qwen3:8b' }],
    })
    expect(textOf(await anthropic.messages.create(question))).toBe('From this machine.')
    expect(await anthropic.messages.stream(question).finalText()).toBe('From this machine.')
    expect(ollama.requests.at(-1)?.json).toMatchObject({ model: 'qwen3:8b' })
    expect(ollama.requests.at(-1)?.path).toMatch(/chat\/completions/)
    expect(JSON.stringify(ollama.requests)).not.toContain(callersKey)
  })

  it('is Claude for callers of OpenAI, with models by the names that are given', async () => {
    const openai = await forThisTest(startOpenAi({}))
    openai.always({ type: 'status', status: 500 })
    const claude = await forThisTest(startClaude({ apiKeys: ['sk-ant-2'], reply: { text: 'From Claude.' } }))
    const client = new OpenAI({
      ...{ baseURL: `${openai.url}/v1`, apiKey: 'sk-openai', maxRetries: 0 },
      fetch: resilient(fetch, {
        ...quick,
        fallback: [
          {
            ...{ provider: 'anthropic', baseUrl: claude.url, credential: () => 'sk-ant-2' },
            models: { 'gpt-5': 'claude-opus-5-5' },
          },
        ],
      }),
    })
    const { choices } = await client.chat.completions.create({
      model: 'gpt-5',
      messages: [{ role: 'user', content: 'Hello?' }],
    })
    expect(choices[0]?.message.content).toBe('From Claude.')
    expect(claude.requests[0]?.json).toMatchObject({ model: 'claude-opus-5-5' })
  })

  it('is a list in its order, of targets of your own too, with the options of fallback', async () => {
    const claude = await startDown()
    const gone = await forThisTest(startOpenRouter({}))
    gone.always({ type: 'status', status: 503 })
    let asked = 0
    const mine = target('mine', () => {
      asked++
      return Promise.reject(new Error('a mistake of mine'))
    })
    const heard: string[] = []
    const anthropic = anthropicAt(claude.url, {
      fallback: {
        targets: [
          { provider: 'openrouter', baseUrl: `${gone.url}/api`, credential: 'a' },
          { provider: 'openrouter', baseUrl: `${gone.url}/api`, credential: 'b' },
          mine,
        ],
        reserve: 1_000,
        onFallback: ({ to }) => heard.push(to),
      },
      onFallback: ({ to }) => heard.push(`all ${to}`),
    })
    await expect(anthropic.messages.create(question)).rejects.toThrow('Connection error.')
    expect(asked).toBe(1)
    expect(heard.sort()).toEqual([
      ...['all mine', 'all openrouter', 'all openrouter-2'],
      ...['mine', 'openrouter', 'openrouter-2'],
    ])
  })

  it('without a key is not asked, and the error says so', async () => {
    const claude = await startDown()
    const router = await forThisTest(startOpenRouter({}))
    for (const credential of [undefined, '', () => undefined, () => 'two\nlines']) {
      const anthropic = anthropicAt(claude.url, {
        fallback: [{ provider: 'openrouter', baseUrl: `${router.url}/api`, credential }],
      })
      const error = await anthropic.messages.create(question).catch((caught: unknown) => caught)
      expect(error).toMatchObject({ status: 503 })
      expect((error as InstanceType<typeof Anthropic.APIError>).headers?.get('x-spillway-failures')).toMatch(
        /^127\.0\.0\.1 overloaded 503, openrouter authentication$/,
      )
    }
    expect(router.requests).toHaveLength(0)
  })

  it.each([
    [{}, /needs a baseUrl, or a provider out of anthropic, openrouter, openai, ollama/],
    [{ provider: 'bedrock' as 'openai' }, /needs a baseUrl, or a provider/],
    [{ provider: 'ollama' as const }, /fallback ollama needs a model/],
    [{ baseUrl: 'nonsense' }, /must be a URL/],
    [{ baseUrl: 'https://user:secret@example.com' }, /holds more than an address/],
  ])('that says too little is a mistake at once: %j', (endpoint, message) => {
    expect(() => resilient(fetch, { fallback: [endpoint] })).toThrow(message)
    expect(() => resilient(fetch, { fallback: [endpoint] })).not.toThrow(/secret/)
  })
})

describe('the chain', () => {
  const whole = [
    ...['retry (attempts 3, baseDelay 500, maxDelay 10000)'],
    ...[
      'circuit breaker (failureRate 0.5, minimumCalls 20, window 60000, openFor 15000)',
      'rate limit',
      'attempt',
    ],
  ]

  it('has good defaults, and leaves out what is false', () => {
    expect(describeChain(resilient()).split('\n')).toEqual(whole)
    expect(describeChain(resilient(fetch, { retry: undefined, rateLimit: undefined })).split('\n')).toEqual(
      whole,
    )
    const off = { retry: false, circuitBreaker: false, rateLimit: false, timeouts: false } as const
    expect(describeChain(resilient(fetch, { ...off, fallback: false, telemetry: false }))).toBe('attempt')
  })

  it('has retries and a circuit of its own for each target, and what follows calls outermost', () => {
    const passing = { calls: (next: Handler) => next, attempts: (next: Handler) => next }
    const lines = describeChain(
      resilient(fetch, {
        fallback: [{ provider: 'ollama', model: 'qwen3:8b' }],
        timeouts: { idle: 5_000 },
        ledger: passing,
      }),
    ).split('\n')
    expect(lines.slice(0, 5)).toEqual([
      'timeouts (idle 5000)',
      'fallback (reserve 30000, midStream fail)',
      '  target ollama (model qwen3:8b)',
      '    fit (model qwen3:8b, scope all)',
      `    ${whole[0]}`,
    ])
    expect(lines.filter((line) => line.trim() === 'rate limit')).toHaveLength(2)
    expect(lines).toContain('    endpoint (at http://127.0.0.1:11434)')
  })

  it('says so where options are out of range', () => {
    expect(() => resilient(fetch, { retry: { attempts: 0 } })).toThrow(RangeError)
    expect(() => resilient(fetch, { timeouts: { idle: -1 } })).toThrow(RangeError)
    expect(() => resilient('no fetch' as never)).toThrow(TypeError)
  })

  it('leaves everything but model calls to the fetch', async () => {
    const claude = await forThisTest(startClaude({ apiKeys: [callersKey] }))
    const anthropic = anthropicAt(claude.url, {})
    expect((await anthropic.models.list()).data.length).toBeGreaterThan(0)
  })
})

it.each([
  ['claude-sonnet-5-5', 'anthropic/claude-sonnet-5.5'],
  ['claude-opus-4-8-20260301', 'anthropic/claude-opus-4.8'],
  ['claude-sonnet-4-20250514', 'anthropic/claude-sonnet-4'],
  ['claude-3-5-haiku-latest', 'anthropic/claude-3.5-haiku'],
  ['claude-haiku-4-5@20251001', 'anthropic/claude-haiku-4.5'],
  ['anthropic/claude-opus-5.5', 'anthropic/claude-opus-5.5'],
  ['gpt-5', 'gpt-5'],
])('OpenRouter calls %s %s', (model, name) => expect(openRouterName(model)).toBe(name))
