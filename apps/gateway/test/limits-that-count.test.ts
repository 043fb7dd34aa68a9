import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type SimulatedServer, startClaude, startOpenRouter } from '@spillway/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Gateway } from '../src/index.ts'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { chat, messages, type Received, send } from './raw-client.ts'

const prompt = (name: string, tokens: number): object => ({
  messages: [{ role: 'user', content: `${name} ${'word '.repeat(Math.ceil((tokens * 3.5) / 5))}` }],
})

async function claudeUnder(
  rateLimit: object,
  options: Parameters<typeof startClaude>[0] = {},
): Promise<{ claude: SimulatedServer; gateway: Gateway }> {
  const claude = forThisTest(await startClaude(options))
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic', { rateLimit })))
  return { claude, gateway }
}

const ask = ({ url }: Gateway, body: object): Promise<Received> =>
  send(`${url}/v1/messages`, { body: messages(body) })

const statuses = (received: readonly Received[]): number[] => received.map(({ status }) => status)

describe('long prompts of which the cache has nearly all', () => {
  const rateLimit = { inputTokensPerMinute: 400_000, maxWait: '0ms' }
  const usage = { inputTokens: 100, cacheWriteTokens: 1_900, cacheReadTokens: 123_000, outputTokens: 5 }

  it('ten agents at once are admitted once one has been answered', async () => {
    const { claude, gateway } = await claudeUnder(rateLimit, { reply: { text: 'Hi', usage } })
    expect((await ask(gateway, prompt('first', 125_000))).status).toBe(200)
    claude.always({ type: 'slow-headers', ms: 300 })
    const agents = Array.from({ length: 10 }, (_, index) => ask(gateway, prompt(`${index}`, 125_000)))
    expect(statuses(await Promise.all(agents))).toEqual(Array(10).fill(200))
  })

  it('and so is each one’s next turn', async () => {
    const { claude, gateway } = await claudeUnder(rateLimit, { reply: { text: 'Hi', usage } })
    const turn = (agent: number, turns: number): object => {
      const { messages: first } = prompt(`${agent}`, 125_000) as { messages: object[] }
      const more = [
        { role: 'assistant', content: 'Hi' },
        { role: 'user', content: 'word '.repeat(1_000) },
      ]
      return { messages: [...first, ...Array(turns).fill(more).flat()] }
    }
    for (let agent = 0; agent < 10; agent++) await ask(gateway, turn(agent, 0))
    claude.always({ type: 'slow-headers', ms: 300 })
    for (let turns = 1; turns < 4; turns++) {
      const agents = Array.from({ length: 10 }, (_, agent) => ask(gateway, turn(agent, turns)))
      expect(statuses(await Promise.all(agents))).toEqual(Array(10).fill(200))
    }
  })
})

it('images are not counted as text', async () => {
  const { gateway } = await claudeUnder(
    { inputTokensPerMinute: 60_000, maxWait: '0ms' },
    { fault: () => ({ type: 'slow-headers', ms: 300 }) },
  )
  const data = `iVBORw0KGgo${Buffer.alloc(600_000, 7).toString('base64')}`
  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data } }
  const body = { messages: [{ role: 'user', content: [image, { type: 'text', text: 'What is it?' }] }] }
  const calls = Array.from({ length: 10 }, () => ask(gateway, body))
  expect(statuses(await Promise.all(calls))).toEqual(Array(10).fill(200))
})

it.each([400, 500, 529])(
  'calls that are refused with %i take no tokens from those after them',
  async (status) => {
    const { claude, gateway } = await claudeUnder({ inputTokensPerMinute: 30_000, maxWait: '0ms' })
    claude.next(...Array(3).fill({ type: 'status', status }))
    for (let call = 0; call < 3; call++) expect((await ask(gateway, prompt('a', 9_000))).status).toBe(status)
    for (let call = 0; call < 3; call++) expect((await ask(gateway, prompt('a', 9_000))).status).toBe(200)
  },
)

describe('counting tokens', () => {
  const count = ({ url }: Gateway, body: object): Promise<Received> =>
    send(`${url}/v1/messages/count_tokens`, { body: messages({ ...body, max_tokens: undefined }) })

  it('takes nothing from the limits of messages, nor the other way round', async () => {
    const { gateway } = await claudeUnder({
      requestsPerMinute: 1,
      inputTokensPerMinute: 30_000,
      concurrency: 1,
      maxWait: '0ms',
    })
    const body = prompt('a', 25_000)
    for (let call = 0; call < 5; call++) expect((await count(gateway, body)).status).toBe(200)
    expect((await ask(gateway, body)).status).toBe(200)
    expect((await ask(gateway, body)).status).toBe(429)
    expect((await count(gateway, body)).status).toBe(200)
  })

  it('has a limit where one is set', async () => {
    const { gateway } = await claudeUnder({ countRequestsPerMinute: 2, maxWait: '0ms' })
    const counted = []
    for (let call = 0; call < 3; call++) counted.push(await count(gateway, {}))
    expect(statuses(counted)).toEqual([200, 200, 429])
    expect((await ask(gateway, {})).status).toBe(200)
  })

  it('goes on when messages are closed by a 429', async () => {
    const { claude, gateway } = await claudeUnder({ requestsPerMinute: 600, maxWait: '0ms' })
    claude.next({ type: 'status', status: 429, retryAfter: 30 })
    expect((await ask(gateway, {})).status).toBe(429)
    expect((await count(gateway, {})).status).toBe(200)
    expect((await ask(gateway, {})).status).toBe(429)
    expect(claude.requests).toHaveLength(2)
  })
})

it.each([
  ['openai', undefined, 429],
  ['openai', false, 200],
  ['anthropic', undefined, 200],
  ['anthropic', true, 429],
] as const)(
  'what comes from the cache counts at %s as its vendor counts, or as told (%s)',
  async (api, countCacheReads, status) => {
    const usage = { inputTokens: 100, cacheReadTokens: 9_900, outputTokens: 5 }
    const server = forThisTest(await (api === 'openai' ? startOpenRouter : startClaude)({ reply: { usage } }))
    const url = api === 'openai' ? `${server.url}/api` : server.url
    const rateLimit = { inputTokensPerMinute: 12_000, maxWait: '0ms', countCacheReads }
    const gateway = await gatewayOf(configOf(targetAt({ url }, api, { rateLimit })))
    const path = api === 'openai' ? 'chat/completions' : 'messages'
    const body = { model: 'm', max_tokens: 10, ...prompt('a', 10_000) }
    const received = []
    for (let call = 0; call < 2; call++) received.push(await send(`${gateway.url}/v1/${path}`, { body }))
    expect(statuses(received)).toEqual([200, status])
  },
)

it('streams that report no usage spend what was reserved for them', async () => {
  const chunk = (delta: object, finish_reason: string | null = null): string =>
    `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', model: 'm', choices: [{ index: 0, delta, finish_reason }] })}\n\n`
  const server = createServer((req, res) => {
    req.resume().on('end', () => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.end(`${chunk({ role: 'assistant', content: 'Hi' })}${chunk({}, 'stop')}data: [DONE]\n\n`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const rateLimit = { inputTokensPerMinute: 20_000, maxWait: '0ms' }
  const gateway = await gatewayOf(configOf(targetAt({ url }, 'openai', { rateLimit })))
  const body = chat({
    model: 'm',
    stream: true,
    messages: [{ role: 'user', content: 'word '.repeat(4_590) }],
  })
  const received = []
  for (let call = 0; call < 12; call++)
    received.push(await send(`${gateway.url}/v1/chat/completions`, { body }))
  expect(statuses(received)).toEqual([...Array(3).fill(200), ...Array(9).fill(429)])
})
