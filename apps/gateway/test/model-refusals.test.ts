import { stripVTControlCharacters } from 'node:util'
import {
  type RecordedRequest,
  type Reply,
  type SimulatedServer,
  startClaude,
  startOllama,
  startOpenRouter,
} from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { callTeller } from '../src/cli/call-line.ts'
import { type AnsweredCall, type Gateway, parseConfig } from '../src/index.ts'
import { configOf, forThisTest, gatewayOf, ownKey, targetAt } from './gateway.ts'
import { chat, messages, send } from './raw-client.ts'

type Rows = Record<'calls' | 'rows', readonly Record<string, unknown>[]>

const readApi = async ({ url }: Gateway, path: string): Promise<Rows> =>
  JSON.parse((await send(`${url}/api/${path}`, { method: 'GET' })).text)

const beforeOutput: Reply = { text: '', stopReason: 'refusal', usage: { inputTokens: 412, outputTokens: 0 } }
const afterOutput: Reply = { text: 'First the', stopReason: 'refusal', usage: { outputTokens: 3 } }

it.each([
  ['before any output', beforeOutput, false, 'free'],
  ['before any output, in a stream', beforeOutput, true, 'free'],
  ['after some output', afterOutput, false, 'billed'],
  ['after some output, in a stream', afterOutput, true, 'billed'],
])('a model that declines %s is told as a refusal everywhere', async (_, reply, stream, bill) => {
  const claude = forThisTest(await startClaude({ reply }))
  const calls: AnsweredCall[] = []
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')), calls)
  const { status, headers, text } = await send(`${gateway.url}/v1/messages`, {
    body: messages({ model: 'claude-opus-5-5', stream }),
  })
  expect([status, headers['x-should-retry'], headers['x-spillway-fallback']]).toEqual([
    200,
    undefined,
    undefined,
  ])
  expect(text).toBe(Buffer.from(claude.requests[0]?.sent ?? []).toString())

  const lines: string[] = []
  callTeller((line) => lines.push(stripVTControlCharacters(line)))(calls[0] as AnsweredCall)
  await calls[0]?.response.outcome
  expect(lines.at(-1)).toMatch(/^\S+ {2}claude +refusal .*the model declined to answer/)

  const metrics = await send(`${gateway.url}/metrics`, { method: 'GET' })
  expect(metrics.text).toMatch(
    /^spillway_attempt_duration_count\{(?=.*spillway_target="claude")(?=.*error_type="refusal").*\} 1$/m,
  )
  expect(metrics.text).toMatch(/^spillway_calls_total\{(?=.*error_type="refusal").*\} 1$/m)
  expect((await readApi(gateway, 'calls')).calls[0]).toMatchObject({ failure: 'refusal', target: 'claude' })
  const [row] = (await readApi(gateway, 'usage?by=model&range=1h')).rows
  expect(row).toMatchObject({ attempts: 1, errors: 1 })
  expect(Number(row?.costNano) > 0).toBe(bill === 'billed')
})

it('a filtered chat completion is told as a refusal, in the protocol of OpenAI too', async () => {
  const router = forThisTest(await startOpenRouter({ reply: beforeOutput }))
  const calls: AnsweredCall[] = []
  const gateway = await gatewayOf(configOf(targetAt(router, 'openrouter')), calls)
  for (const stream of [false, true]) {
    const { status, text } = await send(`${gateway.url}/v1/chat/completions`, { body: chat({ stream }) })
    expect([status, text.includes('content_filter')]).toEqual([200, true])
  }
  const outcomes = await Promise.all(calls.map(({ response }) => response.outcome))
  expect(outcomes.map(({ failure }) => failure?.kind)).toEqual(['refusal', 'refusal'])
})

it('models that decline open no circuit and suspend no key', async () => {
  const claude = forThisTest(await startClaude({ reply: beforeOutput }))
  const circuitBreaker = { minimumCalls: 2 }
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, { circuitBreaker }))
  for (let call = 0; call < 6; call++)
    expect((await send(`${gateway.url}/v1/messages`, { body: messages() })).status).toBe(200)
  expect(claude.requests).toHaveLength(6)
})

describe('with `fallback.refusal`, when a model declines', () => {
  const fable = 'claude-fable-5'
  const opus = 'claude-opus-4-8'
  const modelOf = ({ json }: RecordedRequest): string => (json as { model: string }).model
  const usage = { inputTokens: 12, cacheWriteTokens: 900 }
  const refusal = { category: 'cyber' }

  /** Fable declines after these words, Opus answers. */
  const vendor = async (text: string, credit: object[] = []): Promise<SimulatedServer> =>
    forThisTest(
      await startClaude({
        models: [fable, opus, 'claude-opus-5'],
        fallbackModels: { [fable]: [opus] },
        reply(request) {
          if (modelOf(request) === fable) return { text, refusal, usage }
          credit.push((request.json as { fallback_credit_token: object }).fallback_credit_token)
          return { text: text === '' ? 'They leak.' : ' overtopping.', usage }
        },
      }),
    )
  const withRefusal = (more: object = {}): object => ({ fallback: { refusal: more } })
  const asked = (server: SimulatedServer): string[] =>
    server.requests.filter(({ method }) => method === 'POST').map(modelOf)

  it.each([
    ['', false],
    ['', true],
    ['Mostly by', true],
  ])('one that the vendor permits answers, on its credit (%j, stream: %s)', async (text, stream) => {
    const claude = await vendor(text)
    const calls: AnsweredCall[] = []
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, withRefusal()), calls)
    const body = messages({ model: fable, stream })
    const received = await send(`${gateway.url}/v1/messages?beta=true`, { body })
    expect(received.status).toBe(200)
    expect(received.text).toContain(`"to":{"model":"${opus}"}`)
    expect(received.text).toContain('"fallback_credit":{"status":{"type":"redeemed"}}')
    expect(received.text).toContain('"cache_read_input_tokens":900')
    expect(asked(claude)).toEqual([fable, opus])
    if (text === '') expect(received.headers['x-spillway-fallback']).toBe('refusal')
    expect((await calls[0]?.response.outcome)?.failure).toBeUndefined()
    const [call] = (await readApi(gateway, 'calls')).calls
    expect(call).toMatchObject({ attempts: 2, failure: null, fallback: 'refusal' })
    const { rows } = await readApi(gateway, 'usage?by=model&range=1h')
    const costOf = (model: string): number => Number(rows.find(({ key }) => key === model)?.costNano)
    expect(costOf(fable) > 0).toBe(text !== '')
    expect(costOf(opus)).toBeGreaterThan(0)
    const { rows: fallbacks } = await readApi(gateway, 'fallbacks?range=1h')
    expect(fallbacks).toMatchObject([{ from: 'claude', to: 'claude', reason: 'refusal', calls: 1 }])
  })

  it.each([
    ['', false, 'They leak.'],
    ['', true, 'They leak.'],
    ['Mostly by', true, 'Mostly by overtopping.'],
  ])('callers of OpenAI’s protocol get that answer too (%j, stream: %s)', async (text, stream, expected) => {
    const credit: object[] = []
    const claude = await vendor(text, credit)
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, withRefusal()))
    const { text: said, headers } = await send(`${gateway.url}/v1/chat/completions`, {
      body: chat({ model: fable, stream, max_tokens: 100 }),
    })
    const words = stream
      ? [...said.matchAll(/"content":"([^"]*)"/g)].map(([, word]) => word).join('')
      : JSON.parse(said).choices[0].message.content
    expect([words, headers['x-spillway-degraded']]).toEqual([expected, undefined])
    expect(said).toContain('"finish_reason":"stop"')
    expect(credit).toMatchObject([{ mode: 'best_effort' }])
  })

  it('the one that is configured answers, where the vendor permits it', async () => {
    const claude = await vendor('')
    const models = { 'claude-opus-*': ['claude-opus-5'], 'claude-fable-*': ['claude-opus-5', opus] }
    const gateway = await gatewayOf(
      configOf(targetAt(claude, 'anthropic'), undefined, withRefusal({ models })),
    )
    await send(`${gateway.url}/v1/messages`, { body: messages({ model: fable }) })
    expect(asked(claude)).toEqual([fable, opus])
  })

  it.each([false, true])(
    'of a target that names it, the next one reaches the endpoint (stream: %s)',
    async (stream) => {
      const credit: object[] = []
      const claude = await vendor('', credit)
      const models = { [fable]: [opus], '*': ['claude-haiku-5-5'] }
      const gateway = await gatewayOf(
        configOf(targetAt(claude, 'anthropic', { model: fable }), undefined, withRefusal({ models })),
      )
      const ask = (turns: object[]): ReturnType<typeof send> => {
        const body = messages({ model: 'claude-sonnet-5-5', stream, messages: turns })
        return send(`${gateway.url}/v1/messages`, { body })
      }
      const first = { role: 'user', content: 'How do dams fail?' }
      const { text, headers } = await ask([first])
      expect(text).toContain(`"from":{"model":"${fable}"},"to":{"model":"${opus}"}`)
      expect(headers['x-spillway-fallback']).toBe('refusal')
      expect(credit).toMatchObject([{ mode: 'best_effort' }])
      // The conversation stays with the model that took it.
      await ask([first, { role: 'assistant', content: 'They leak.' }, { role: 'user', content: 'And?' }])
      expect(asked(claude)).toEqual([fable, opus, opus])
    },
  )

  it('of a target that names another vendor’s model, none is asked, and no beta is sent', async () => {
    const claude = forThisTest(await startClaude({ reply: { refusal } }))
    const target = targetAt(claude, 'anthropic', { model: 'qwen3' })
    const gateway = await gatewayOf(configOf(target, undefined, withRefusal({ models: [opus] })))
    await send(`${gateway.url}/v1/messages`, { body: messages({ model: fable }) })
    expect(asked(claude)).toEqual(['qwen3'])
    expect(claude.requests[0]?.headers['anthropic-beta'] ?? '').not.toContain('fallback-credit')
  })

  it('no other target is asked, unless the configuration says so', async () => {
    const claude = forThisTest(await startClaude({ reply: { refusal } }))
    const ollama = forThisTest(await startOllama({ reply: { text: 'From here.' } }))
    const local = targetAt(ollama, 'ollama', { model: 'llama3.2' })
    const ask = async (otherTargets: boolean, stream: boolean) => {
      const gateway = await gatewayOf(
        configOf(targetAt(claude, 'anthropic'), local, withRefusal({ models: [opus], otherTargets })),
      )
      return send(`${gateway.url}/v1/messages`, { body: messages({ model: fable, stream }) })
    }
    for (const stream of [false, true]) {
      expect((await ask(false, stream)).text).toContain('"stop_reason":"refusal"')
      expect(ollama.requests).toHaveLength(stream ? 1 : 0)
      const { text, headers } = await ask(true, stream)
      expect(text).toContain('From')
      expect([headers['x-spillway-fallback'], headers['x-spillway-served-by']]).toEqual(['refusal', 'local'])
    }
  })

  it('callers with keys of their own, and of a vendor that publishes nothing, get the refusal as it is', async () => {
    const claude = await vendor('')
    const target = { api: 'anthropic', endpoints: [{ url: claude.url, credential: 'caller' }] }
    const gateway = await gatewayOf(configOf(target, undefined, withRefusal()))
    const { bytes } = await send(`${gateway.url}/v1/messages`, { body: messages({ model: fable }) })
    expect(bytes).toEqual(Buffer.from(claude.requests[0]?.sent ?? []))
    expect(claude.requests).toHaveLength(1)
  })

  it('the credit is redeemed with the key that it was given to', async () => {
    const credit: object[] = []
    const claude = await vendor('', credit)
    process.env.SPILLWAY_TEST_SECOND_KEY = 'sk-second'
    const endpoints = [ownKey.reference, 'env:SPILLWAY_TEST_SECOND_KEY'].map((credential) => ({
      url: claude.url,
      credential,
    }))
    const gateway = await gatewayOf(configOf({ api: 'anthropic', endpoints }, undefined, withRefusal()))
    for (let call = 0; call < 6; call++) {
      const turn = { role: 'user', content: `Question ${call}` }
      const { text } = await send(`${gateway.url}/v1/messages`, {
        body: messages({ model: fable, messages: [turn] }),
      })
      expect(text).toContain('"type":"redeemed"')
    }
    const keys = new Set(claude.requests.map(({ headers }) => headers['x-api-key']))
    expect(keys.size).toBe(2)
  })

  it('a configuration that makes no sense is refused with its line', () => {
    const file = (lines: string): string =>
      `targets:\n  claude: { api: anthropic, endpoints: [{ url: "http://127.0.0.1:1" }] }\nroutes: [{ models: "*", target: claude }]\nfallback:\n  refusal:\n${lines}\n`
    expect(() => parseConfig(file('    models: all'), 'f.yaml')).toThrow(
      /f\.yaml:6.*expected a list of models/,
    )
    expect(() => parseConfig(file('    model: [a]'), 'f.yaml')).toThrow(/f\.yaml:6/)
  })
})
