import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CallRow, Calls } from '@spillway/gateway-api'
import { expect, it, onTestFinished } from 'vitest'
import { configOf, gatewayOf, targetAt } from './gateway.ts'
import { chat, send } from './raw-client.ts'

interface Answer {
  readonly vendor: string
  readonly model?: string
  readonly usage: object
  /** Beside the usage. */
  readonly more?: object
  /** Where it stands in the last chunk of a stream. */
  readonly inChoice?: boolean
  readonly tokens: Partial<CallRow['tokens']>
  /** By the prices below. */
  readonly costNano: string
  readonly estimated?: boolean
}

/** USD for a million tokens; in nano-dollars a token: 1,000 in, 10,000 out, 100 from the cache, 1,250 into it. */
const prices = [{ models: ['*'], input: 1, output: 10, cacheRead: 0.1, cacheWrite: 1.25 }]

const answers: readonly Answer[] = [
  {
    vendor: 'DeepSeek',
    usage: { prompt_tokens: 100, completion_tokens: 5, total_tokens: 105, prompt_cache_hit_tokens: 80 },
    ...{ tokens: { input: 20, cacheRead: 80, output: 5 }, costNano: '78000' },
  },
  {
    vendor: 'Moonshot',
    ...{ usage: { prompt_tokens: 100, completion_tokens: 5, cached_tokens: 80 }, inChoice: true },
    ...{ tokens: { input: 20, cacheRead: 80, output: 5 }, costNano: '78000' },
  },
  {
    vendor: 'Mistral',
    usage: { prompt_tokens: 100, completion_tokens: 5, total_tokens: 105, num_cached_tokens: 80 },
    ...{ tokens: { input: 20, cacheRead: 80, output: 5 }, costNano: '78000' },
  },
  {
    vendor: 'Qwen',
    usage: {
      ...{ prompt_tokens: 100, completion_tokens: 5, total_tokens: 105 },
      prompt_tokens_details: { cached_tokens: 0, cache_creation_input_tokens: 80 },
    },
    ...{ tokens: { input: 20, cacheWrite: 80, output: 5 }, costNano: '170000' },
  },
  {
    vendor: 'a proxy of Claude whose prompt leaves the cache out',
    usage: { prompt_tokens: 20, completion_tokens: 5, cache_read_input_tokens: 8_000 },
    ...{ tokens: { input: 20, cacheRead: 8_000, output: 5 }, costNano: '870000' },
  },
  {
    vendor: 'xAI, thinking beside the completion',
    usage: {
      ...{ prompt_tokens: 12, completion_tokens: 2, total_tokens: 331 },
      completion_tokens_details: { reasoning_tokens: 317 },
    },
    ...{ tokens: { input: 12, output: 319 }, costNano: '3202000' },
  },
  {
    vendor: 'Gemini, thinking in the total alone',
    ...{ model: 'gemini-3.5-flash', usage: { prompt_tokens: 7, completion_tokens: 9, total_tokens: 123 } },
    ...{ tokens: { input: 7, output: 116 }, costNano: '1167000' },
  },
  {
    vendor: 'xAI, which says what it cost',
    usage: { prompt_tokens: 10_120, completion_tokens: 1_499, cost_in_usd_ticks: 232_856_000 },
    ...{ tokens: { input: 10_120, output: 1_499 }, costNano: '23285600' },
  },
  {
    vendor: 'Perplexity, which charges for its search',
    usage: { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14, cost: { total_cost: 0.00515 } },
    ...{ tokens: { input: 9, output: 5 }, costNano: '5150000' },
  },
  {
    vendor: 'OpenAI, at another price than that of the list',
    ...{ usage: { prompt_tokens: 20, completion_tokens: 5 }, more: { service_tier: 'priority' } },
    ...{ tokens: { input: 20, output: 5 }, costNano: '70000', estimated: true },
  },
]

it('books what each vendor means by its usage, streamed or not', async () => {
  let current = answers[0] as Answer
  const server = createServer(async (incoming, response) => {
    let text = ''
    for await (const chunk of incoming) text += chunk
    const { usage, inChoice, model = 'm', more } = current
    const head = { id: 'chatcmpl-1', model, ...more }
    const message = { role: 'assistant', content: 'So much water.' }
    if (!(JSON.parse(text) as { stream?: boolean }).stream) {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(
        JSON.stringify({ ...head, choices: [{ index: 0, message, finish_reason: 'stop' }], usage }),
      )
      return
    }
    const choice = { index: 0, delta: {}, finish_reason: 'stop' }
    const end = inChoice ? { choices: [{ ...choice, usage }] } : { choices: [choice], usage }
    // Some relays end with a usage of their own, which counts nothing.
    const zeros = { choices: [], usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const chunk of [{ choices: [{ index: 0, delta: message }] }, end, zeros])
      response.write(`data: ${JSON.stringify({ ...head, ...chunk })}\n\n`)
    response.end('data: [DONE]\n\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const upstream = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
  const { url } = await gatewayOf(configOf(targetAt(upstream, 'openai', { prices })))
  const expected: object[] = []
  for (const answer of answers) {
    current = answer
    for (const stream of [false, true]) {
      await send(`${url}/v1/chat/completions`, { body: chat({ stream }) })
      const { vendor, tokens, costNano, estimated = false } = answer
      expected.push({ vendor, stream, tokens: expect.objectContaining(tokens), costNano, estimated })
    }
  }
  const newestFirst = async (): Promise<readonly CallRow[]> =>
    (JSON.parse((await send(`${url}/api/calls?limit=100`, { method: 'GET' })).text) as Calls).calls
  await expect.poll(newestFirst, { interval: 20, timeout: 30_000 }).toHaveLength(expected.length)
  const booked = (await newestFirst()).toReversed().map(({ tokens, costNano, estimated }, index) => ({
    ...{ vendor: answers[index >> 1]?.vendor, stream: index % 2 === 1 },
    ...{ tokens, costNano, estimated },
  }))
  expect(booked).toEqual(expected)
})
