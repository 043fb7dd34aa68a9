import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type TinyGgufOptions, tinyGguf } from '@spillway/local-model'
import { startClaude } from '@spillway/testing'
import { describe, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { longestBlock } from '../../../packages/local-model/test/longest-block.ts'
import { parseConfig, startGateway } from '../src/index.ts'
import { configOf, embeddedTarget, forThisTest, gatewayOf, targetAt, temporaryFolder } from './gateway.ts'
import { messages, openSocket, type Received, requestText, send } from './raw-client.ts'

/** A token of 2,000 bytes: by their size, prompts of megabytes may fit. */
const longWord = { reply: `${'long'.repeat(500)} is the word.` }
const slow = { blocks: 96 }
/** Text on which llama.cpp's tokenizer takes time that grows with the square of its length. */
const slowText = (bytes: number): string => 'word word2 '.repeat(Math.ceil(bytes / 11)).slice(0, bytes)

const local = (options: TinyGgufOptions, more: object = {}): object => ({
  ...embeddedTarget(options),
  ...more,
})
const asking = (content: string, more: object = {}): string =>
  JSON.stringify(messages({ model: 'local', messages: [{ role: 'user', content }], ...more }))
const errorOf = ({ text }: Received) => JSON.parse(text).error

describe('a huge prompt for an embedded model', { timeout: 60_000 }, () => {
  it('holds up neither the gateway nor its other calls, and is refused in the vendor’s words', async () => {
    const claude = forThisTest(await startClaude())
    const config = configOf(targetAt(claude, 'anthropic'), local(longWord), {
      routes: [
        { models: 'local', target: 'local' },
        { models: '*', target: 'claude' },
      ],
    })
    const { url } = await gatewayOf(config)
    await send(`${url}/v1/messages`, { body: asking('Hi') })
    await send(`${url}/v1/messages`, { body: messages() })

    const bodies = [400_000, 800_000].map((bytes) => asking(slowText(bytes)))
    const huge = (body: string): Promise<Received>[] => [
      send(`${url}/v1/messages`, { body }),
      send(`${url}/v1/messages/count_tokens`, { body }),
    ]
    let answers: Received[] = []
    let others = 0
    const block = await longestBlock(async () => {
      const all = Promise.all(bodies.flatMap(huge)).then((received) => {
        answers = received
      })
      while (answers.length === 0) {
        const from = performance.now()
        expect((await send(`${url}/v1/messages`, { body: messages() })).status).toBe(200)
        expect(performance.now() - from).toBeLessThan(5000)
        others++
      }
      await all
    })
    expect(block).toBeLessThan(50)
    expect(others).toBeGreaterThan(3)
    expect(answers.map(({ status }) => status)).toEqual([400, 200, 400, 200])
    const [refused, counted] = answers as [Received, Received]
    expect(errorOf(refused)).toMatchObject({
      type: 'invalid_request_error',
      message: expect.stringMatching(/^prompt is too long: \d{6} tokens > 32765 maximum/),
    })
    expect(JSON.parse(counted.text).input_tokens).toBeGreaterThan(400_000)
  })

  it('gives its place back when its caller leaves', async () => {
    const { url } = await gatewayOf(configOf(local(longWord, { rateLimit: { concurrency: 1 } })))
    await send(`${url}/v1/messages`, { body: asking('Hi') })
    const { socket } = await openSocket(
      url,
      requestText('/v1/messages/count_tokens', asking(slowText(12_000_000))),
    )
    await delay(500)
    socket.destroy()
    const from = performance.now()
    expect((await send(`${url}/v1/messages`, { body: asking('Hi') })).status).toBe(200)
    expect(performance.now() - from).toBeLessThan(5000)
  })

  it('goes to the next target, which may take it', async () => {
    const claude = forThisTest(await startClaude())
    const { url } = await gatewayOf(
      configOf(local({}, { capabilities: { contextTokens: 1024 } }), targetAt(claude, 'anthropic')),
    )
    const { status, headers } = await send(`${url}/v1/messages`, { body: asking('x'.repeat(3000)) })
    expect(status).toBe(200)
    expect(headers).toMatchObject({ 'x-spillway-served-by': 'local', 'x-spillway-fallback': 'unfit' })
  })

  it('is refused by the size of the context that the configuration gives the model', async () => {
    const { url } = await gatewayOf(configOf(local({}, { capabilities: { contextTokens: 1024 } })))
    const refused = await send(`${url}/v1/messages`, { body: asking('x'.repeat(3000)) })
    expect(refused.status).toBe(400)
    expect(errorOf(refused).message).toMatch(/^prompt is too long: \d{4} tokens > 1021 maximum/)
  })
})

describe('a model that aborts llama.cpp', () => {
  /** Answers all but emoji, whose first byte has no token. */
  function fragile(): object {
    const bytes = Buffer.from(tinyGguf())
    bytes.write('{', bytes.indexOf('<0xF0>'))
    const model = join(temporaryFolder(), 'fragile.gguf')
    writeFileSync(model, bytes)
    return { api: 'embedded', model }
  }

  it('fails that call, and the gateway lives on', async () => {
    const { url } = await gatewayOf(configOf(fragile()))
    const crashed = await send(`${url}/v1/messages`, { body: asking('🎉') })
    expect(crashed.status).toBe(500)
    expect(errorOf(crashed).message).toBe(
      'the local model fragile failed: its process has ended with SIGABRT',
    )
    expect((await send(`${url}/v1/messages`, { body: asking('Hi') })).status).toBe(200)
  })

  it('is fallen back from', async () => {
    const claude = forThisTest(await startClaude())
    const { url } = await gatewayOf(configOf(fragile(), targetAt(claude, 'anthropic')))
    const { status, headers } = await send(`${url}/v1/messages`, { body: asking('🎉') })
    expect(status).toBe(200)
    expect(headers).toMatchObject({ 'x-spillway-fallback': 'server' })
  })
})

describe('policies of an embedded target', () => {
  it('rateLimit: calls beyond a limit are refused', async () => {
    const { url } = await gatewayOf(
      configOf(local({}, { rateLimit: { requestsPerMinute: 1, maxWait: '0s' } })),
    )
    const first = await send(`${url}/v1/messages`, { body: asking('Hi') })
    const second = await send(`${url}/v1/messages`, { body: asking('Hi') })
    expect([first.status, second.status]).toEqual([200, 429])
  })

  it('rateLimit: a call waits for its turn before its attempt begins, and falls back when that takes too long', async () => {
    const claude = forThisTest(await startClaude())
    const config = configOf(
      local(slow, { rateLimit: { concurrency: 1, maxWait: '50ms' } }),
      targetAt(claude, 'anthropic'),
    )
    const { url } = await gatewayOf(config)
    await send(`${url}/v1/messages`, { body: asking('Hi') })
    const long = asking('x'.repeat(200))
    const both = await Promise.all([1, 2].map(() => send(`${url}/v1/messages`, { body: long })))
    expect(both.map(({ headers }) => headers['x-spillway-fallback'])).toContain('saturated')
    expect(both.map(({ status }) => status)).toEqual([200, 200])
  })

  it('circuitBreaker: a model that fails is left alone, which /api shows', async () => {
    const { config } = parseConfig(
      stringify(
        configOf({
          api: 'embedded',
          model: '/nowhere/gone.gguf',
          circuitBreaker: { minimumCalls: 2, openFor: '60s' },
        }),
      ),
      'test.yaml',
    )
    const log = vi.fn()
    const gateway = forThisTest(await startGateway(config, { port: 0, log }))
    const statuses: number[] = []
    for (let i = 0; i < 3; i++) {
      statuses.push((await send(`${gateway.url}/v1/messages`, { body: asking('Hi') })).status)
    }
    expect(statuses).toEqual([500, 500, 503])
    const { text } = await send(`${gateway.url}/api/targets`, { method: 'GET' })
    const { endpoints } = JSON.parse(text).targets[0]
    expect(endpoints).toMatchObject([{ name: 'embedded', url: '', circuits: expect.anything() }])
    expect(endpoints[0].circuits.map(({ state }: { state: string }) => state)).toContain('open')
    expect(log).toHaveBeenCalledWith(
      'warning: target claude: cannot use the model file /nowhere/gone.gguf: there is no such file',
    )
  })

  it('capabilities: a request with tools goes to the next target where the model is said not to use them', async () => {
    const claude = forThisTest(await startClaude())
    const tools = [{ name: 'look', input_schema: { type: 'object' } }]
    const { url } = await gatewayOf(
      configOf(local({}, { capabilities: { tools: false } }), targetAt(claude, 'anthropic')),
    )
    const { headers } = await send(`${url}/v1/messages`, { body: asking('Hi', { tools }) })
    expect(headers).toMatchObject({ 'x-spillway-served-by': 'local', 'x-spillway-fallback': 'unfit' })
    const alone = await send(`${url}/v1/messages`, { body: asking('Hi') })
    expect(alone.headers).toMatchObject({ 'x-spillway-served-by': 'claude' })
  })

  it('a request with tools is unfit, unless the configuration says otherwise or no tool is to be called', async () => {
    const tools = [{ name: 'look', input_schema: { type: 'object' } }]
    const alone = await gatewayOf(configOf(local({})))
    const refused = await send(`${alone.url}/v1/messages`, { body: asking('Hi', { tools }) })
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('cannot use tools')])
    const functions = tools.map(({ name }) => ({ type: 'function', function: { name } }))
    const chat = await send(`${alone.url}/v1/chat/completions`, { body: asking('Hi', { tools: functions }) })
    expect(chat.status).toBe(400)
    for (const tool_choice of [{ type: 'none' }, 'none']) {
      const { status } = await send(`${alone.url}/v1/messages`, {
        body: asking('Hi', { tools, tool_choice }),
      })
      expect(status).toBe(200)
    }
    const willing = await gatewayOf(configOf(local({}, { capabilities: { tools: true } })))
    const answered = await send(`${willing.url}/v1/messages`, { body: asking('Hi', { tools }) })
    expect([answered.status, answered.headers['x-spillway-degraded']]).toEqual([200, 'tools'])
  })

  it('timeouts: its own hold, and an attempt that took too long is not repeated', async () => {
    const { url } = await gatewayOf(
      configOf(local(slow, { timeouts: { headers: '1ms' } }), undefined, {
        retry: { attempts: 3, baseDelay: '1ms' },
      }),
    )
    const { status, headers, text } = await send(`${url}/v1/messages`, {
      body: asking('Hi', { stream: true }),
    })
    expect(status).toBe(504)
    expect(headers['x-spillway-attempts']).toBe('1')
    expect(JSON.parse(text).error.type).toBe('timeout_error')
  })
})
