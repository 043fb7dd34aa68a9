import type { CallRow, Calls } from '@spillway/gateway-api'
import { type Reply, startClaude, startOpenRouter } from '@spillway/testing'
import { expect, it } from 'vitest'
import { parseConfig } from '../src/index.ts'
import { configOf, forThisTest, gatewayOf, ownKey, targetAt } from './gateway.ts'
import { chat, messages, send } from './raw-client.ts'

type Booked = Pick<CallRow, 'tokens' | 'estimated' | 'costNano'>

/** A call as it is made, and what its upstream answers. */
interface Call {
  readonly reply: Reply
  readonly body: object
  readonly path?: string
}

/** What a gateway in front of Claude and OpenRouter books of calls, in their order. */
async function booksOf(calls: readonly Call[], target: object = {}): Promise<Booked[]> {
  let said: Reply = {}
  const options = { reply: () => said }
  const claude = forThisTest(await startClaude(options))
  const router = forThisTest(await startOpenRouter(options))
  const { url } = await gatewayOf({
    targets: {
      claude: targetAt(claude, 'anthropic', target),
      router: targetAt(router, 'openrouter', target),
    },
    routes: [
      { models: '*/*', target: 'router' },
      { models: '*', target: 'claude' },
    ],
  })
  for (const { reply, body, path = '/v1/messages' } of calls) {
    said = reply
    await send(`${url}${path}`, { body })
  }
  const newestFirst = async (): Promise<readonly CallRow[]> =>
    (JSON.parse((await send(`${url}/api/calls?limit=100`, { method: 'GET' })).text) as Calls).calls
  await expect.poll(newestFirst, { interval: 20, timeout: 30_000 }).toHaveLength(calls.length)
  return (await newestFirst())
    .toReversed()
    .map(({ tokens, estimated, costNano }) => ({ tokens, estimated, costNano }))
}

const raw = (input_tokens: number, output_tokens: number): object => ({
  ...{ input_tokens, output_tokens, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 },
})
const streamed = { stream: true }
const usage = { inputTokens: 23_000, outputTokens: 1_000 }

it('books the whole of what Claude did for a call, each part at its own price', async () => {
  const cases: readonly [string, Reply, object, number, string][] = [
    [
      'a compaction',
      {
        usage,
        moreUsage: {
          iterations: [
            { type: 'compaction', ...raw(180_000, 3_500) },
            { type: 'message', ...raw(23_000, 1_000) },
          ],
        },
      },
      {},
      203_000,
      // 203,000 at $2 and 4,500 at $10.
      '451000000',
    ],
    [
      'an advisor of another model',
      {
        usage,
        moreUsage: {
          iterations: [
            { type: 'message', model: null, ...raw(23_000, 1_000) },
            { type: 'advisor_message', model: 'claude-opus-5-5', ...raw(24_000, 700) },
          ],
        },
      },
      {},
      47_000,
      // $0.056 of Sonnet, $0.096 and $0.014 of Opus.
      '166000000',
    ],
    [
      'a fallback of the vendor’s: the model that declined is not charged for, the one that answered by its price',
      {
        usage,
        model: 'claude-opus-4-8',
        moreUsage: {
          iterations: [
            { type: 'message', model: 'claude-sonnet-5-5', ...raw(30_000, 0) },
            { type: 'fallback_message', model: 'claude-opus-4-8', ...raw(23_000, 1_000) },
          ],
        },
      },
      {},
      53_000,
      '140000000',
    ],
    [
      'web searches',
      { usage, moreUsage: { server_tool_use: { web_search_requests: 2 } } },
      {},
      23_000,
      '76000000',
    ],
    [
      'the standard speed where the fast one was asked for',
      { usage, moreUsage: { speed: 'standard' } },
      { model: 'claude-opus-5-5', speed: 'fast' },
      23_000,
      '112000000',
    ],
    ['its place', { usage, moreUsage: { inference_geo: 'us' } }, {}, 23_000, '61600000'],
    ['a refusal before any content', { usage, text: '', stopReason: 'refusal' }, {}, 23_000, '0'],
    [
      'a long prompt of Sonnet 4.5',
      // Nothing is said: an answer with text and no output tokens is not believed.
      { usage: { inputTokens: 200_001, outputTokens: 0 }, text: '' },
      { model: 'claude-sonnet-4-5' },
      200_001,
      '1200006000',
    ],
    ['an old model', { usage }, { model: 'claude-opus-4-1-20250805' }, 23_000, '420000000'],
    [
      'a prompt that the last event of the stream has as 0',
      {
        usage: { inputTokens: 1_000, cacheReadTokens: 50_000, outputTokens: 100 },
        moreUsage: { input_tokens: 0, cache_read_input_tokens: 0 },
      },
      streamed,
      1_000,
      '8000000',
    ],
  ]
  const made = cases.flatMap(([name, reply, changes, input, costNano]) =>
    (changes === streamed ? [streamed] : [changes, { ...changes, stream: true }]).map((each) => ({
      call: { reply, body: messages({ model: 'claude-sonnet-5-5', ...each }) },
      booked: { name, input, costNano, estimated: false },
    })),
  )
  const booked = await booksOf(made.map(({ call }) => call))
  const said = booked.map(({ tokens, costNano, estimated }, index) => ({
    ...{ name: made[index]?.booked.name, input: tokens.input, costNano, estimated },
  }))
  expect(said).toEqual(made.map((each) => each.booked))
})

it('books what was paid through OpenRouter, and finds the price of the names that it answers with', async () => {
  const call = { path: '/v1/chat/completions', body: chat({ model: 'anthropic/claude-haiku-4.5' }) }
  const byok = { is_byok: true, cost_details: { upstream_inference_cost: 0.0360795 } }
  const model = 'anthropic/claude-4.5-haiku-20251001'
  const booked = await booksOf([
    { ...call, reply: { usage, moreUsage: { cost: 0, ...byok } } },
    { ...call, reply: { usage, model, moreUsage: { cost: null } } },
  ])
  expect(booked).toMatchObject([
    { costNano: '36079500', estimated: false },
    { costNano: '28000000', estimated: true },
  ])
})

it('books by the prices of the configuration, zero included, and nothing where there is no price', async () => {
  const call = (model: string, more: object = {}): Call => ({
    reply: { usage: { ...usage, ...more } },
    body: messages({ model }),
  })
  const free = { models: ['*'], input: 0, output: 0 }
  expect(await booksOf([call('claude-sonnet-5-5')], { prices: [free] })).toMatchObject([{ costNano: '0' }])
  const own = { models: ['house-model'], input: 0.07, output: 0.27, cacheRead: 0.013 }
  const booked = await booksOf(
    [call('house-model', { cacheReadTokens: 1_000 }), call('claude-sonnet-5-5'), call('unheard-of')],
    { prices: [own] },
  )
  expect(booked).toMatchObject([
    { costNano: '1893000', estimated: false },
    { costNano: '56000000', estimated: false },
    { costNano: null },
  ])
})

it.each([
  [{ models: [], input: 1, output: 1 }, 'models'],
  [{ models: ['m'], input: -1, output: 1 }, 'input'],
  [{ models: ['m'], input: 1, output: 1, from: 'soon' }, 'from'],
  [{ models: ['m'], input: 1, output: 1, longPrompt: { input: 1, output: 1 } }, 'longPrompt.above'],
  [{ models: ['m'], input: 1, output: 1, cacheReads: 1 }, 'cacheReads'],
])('refuses the price %j, and names its key', (price, key) => {
  const target = {
    api: 'anthropic',
    endpoints: [{ url: 'http://127.0.0.1:1', credential: ownKey.reference }],
  }
  const config = JSON.stringify(configOf({ ...target, prices: [price] }))
  expect(() => parseConfig(config, 'test.yaml')).toThrow(`targets.claude.prices[0].${key}`)
})
