import { createRequest, type ModelRequest } from '@spillway/middleware'
import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { virtualClock } from '@spillway/testing'
import { withPrices } from '@spillway/usage'
import { describe, expect, it } from 'vitest'
import { assumedOutput, estimateCall } from './estimate-call.ts'
import { quotesOf } from './quotes.ts'

const clock = virtualClock({ epoch: Date.UTC(2026, 10, 27) })

function request(body: object, more: Partial<ModelRequest> = {}): ModelRequest {
  const model = more.model ?? 'claude-opus-5-5'
  const url = '/v1/messages'
  return createRequest({
    ...{ api: 'anthropic', stream: true, url, clock, ...more, model },
    body: jsonBodyFromObject({ model, ...body }),
  })
}

const at = (provider: string, prices?: ReturnType<typeof withPrices>, model?: string) =>
  ({ model, endpoints: [{ paid: { provider, prices } }] }) as never

const size = { prompt: 1_000, output: 2_000 }

describe('what a call may cost', () => {
  const quote = quotesOf([at('anthropic')])

  it('is the price of its prompt and of all that it may answer; at least the prompt and a token', () => {
    expect(quote(request({}), size)).toEqual({
      most: 1_000 * 4_000 + 2_000 * 20_000,
      least: 1_000 * 4_000 + 20_000,
    })
  })

  it('is that of writing the prompt to the cache, or of reading it there, where it asks for that', () => {
    const cached = (ttl?: string) => request({ system: [{ cache_control: { type: 'ephemeral', ttl } }] })
    expect(quote(cached(), size)).toEqual({
      most: 1_000 * 5_000 + 2_000 * 20_000,
      least: 1_000 * 200 + 20_000,
    })
    expect(quote(cached('1h'), size)?.most).toBe(1_000 * 8_000 + 2_000 * 20_000)
    expect(quote(request({}, { api: 'openai' }), size)?.least).toBe(1_000 * 200 + 20_000)
  })

  it('is higher for a fast answer, one that stays in a country, and a long prompt', () => {
    expect(quote(request({ speed: 'fast' }), size)?.most).toBe(1_000 * 8_000 + 2_000 * 40_000)
    expect(quote(request({ inference_geo: 'us' }), size)?.most).toBeGreaterThan(44_000_000)
    const haiku = request({}, { model: 'claude-haiku-5-5' })
    const [short, long] = [quote(haiku, size), quote(haiku, { prompt: 150_000, output: 2_000 })]
    expect((long?.most ?? 0) / 152_000).toBeGreaterThan((short?.most ?? 0) / 3_000 / 2)
  })

  it('is that of the dearest target of the route, and unknown where the first has no price', () => {
    const dear = withPrices([{ provider: 'openai', models: ['*'], input: '100', output: '100' }])
    expect(quotesOf([at('anthropic'), at('openai', dear)])(request({}), size)?.most).toBe(3_000 * 100_000)
    expect(quotesOf([at('anthropic'), at('openai')])(request({}), size)?.most).toBe(44_000_000)
    expect(quotesOf([at('openai'), at('anthropic')])(request({}), size)).toBeUndefined()
  })

  it('is that of the model that a target asks for', () => {
    expect(
      quotesOf([at('anthropic', undefined, 'claude-opus-5-5')])(request({}, { model: 'gpt-9' }), size)?.most,
    ).toBe(44_000_000)
  })

  it('is nothing for a model in this process, and the dearest price where OpenRouter tells it afterwards', () => {
    const embedded = { model: 'tiny', endpoints: [{ paid: undefined }] } as never
    expect(quotesOf([embedded])(request({}), size)).toEqual({ most: 0, least: 0 })
    const unknown = request({}, { model: 'someone/something' })
    expect(quotesOf([at('openrouter')])(unknown, size)?.most).toBe(1_000 * 15_000 + 2_000 * 75_000)
  })
})

it('an estimate is by the size of the prompt and by what the answer may have, in each protocol', () => {
  const most = (body: object, api: 'anthropic' | 'openai' | 'responses' = 'anthropic'): number => {
    const estimate = estimateCall(request({ messages: [], ...body }, { api }), undefined)
    return estimate.most.tokens - (estimate.expected?.tokens ?? 0)
  }
  expect(most({ max_tokens: 70 })).toBe(70)
  expect(most({ max_completion_tokens: 80, n: 3 }, 'openai')).toBe(240)
  expect(most({ max_output_tokens: 90 }, 'responses')).toBe(90)
  expect([most({}), most({ max_tokens: 'many' }), most({ max_tokens: -1 })]).toEqual([
    assumedOutput,
    assumedOutput,
    assumedOutput,
  ])
  const long = estimateCall(request({ messages: 'x'.repeat(35_000) }), undefined)
  expect(long.expected?.tokens).toBeGreaterThan(10_000)
  expect(long.most.usd).toBeUndefined()
})
