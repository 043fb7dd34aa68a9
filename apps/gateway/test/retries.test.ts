import Anthropic from '@anthropic-ai/sdk'
import { startClaude } from '@spillway/testing'
import { expect, it } from 'vitest'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { messages, send } from './raw-client.ts'

const quick = { retry: { attempts: 3, baseDelay: '5ms', maxDelay: '10ms' } }

it('a call that fails twice is answered by the third attempt', async () => {
  const claude = forThisTest(await startClaude())
  claude.next({ type: 'status', status: 529 }, { type: 'reset' })
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, quick))
  const { status, headers } = await send(`${gateway.url}/v1/messages`, { body: messages() })
  expect(status).toBe(200)
  expect(headers).toMatchObject({ 'x-spillway-attempts': '3', 'x-spillway-served-by': 'claude' })
  expect(claude.requests.map(({ body }) => Buffer.from(body).toString())).toEqual(
    Array(3).fill(JSON.stringify(messages())),
  )
})

it('an SDK with retries of its own does not multiply the attempts', async () => {
  const claude = forThisTest(await startClaude())
  claude.always({ type: 'status', status: 529 })
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, quick))
  const client = new Anthropic({ apiKey: 'sk-any', baseURL: gateway.url, maxRetries: 5 })
  const asked = client.messages.create(messages() as unknown as Anthropic.MessageCreateParamsNonStreaming)
  await expect(asked).rejects.toBeInstanceOf(Anthropic.InternalServerError)
  expect(claude.requests).toHaveLength(3)
})

it('a wait that does not fit goes to the fallback at once', async () => {
  const claude = forThisTest(await startClaude())
  const second = forThisTest(await startClaude())
  claude.always({ type: 'status', status: 429, retryAfter: 60 })
  const more = { ...quick, timeouts: { total: '10s' } }
  const gateway = await gatewayOf(
    configOf(targetAt(claude, 'anthropic'), targetAt(second, 'anthropic'), more),
  )
  const begun = performance.now()
  const { headers } = await send(`${gateway.url}/v1/messages`, { body: messages() })
  expect(headers).toMatchObject({ 'x-spillway-served-by': 'local', 'x-spillway-fallback': 'rate_limited' })
  expect(performance.now() - begun).toBeLessThan(5_000)
  expect(claude.requests).toHaveLength(1)
})

it('a final error says what the upstream asks to wait', async () => {
  const claude = forThisTest(await startClaude())
  claude.always({ type: 'status', status: 429, retryAfter: 60 })
  const more = { ...quick, timeouts: { total: '10s' } }
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, more))
  const { status, headers } = await send(`${gateway.url}/v1/messages`, { body: messages() })
  expect(status).toBe(429)
  expect(headers).toMatchObject({ 'retry-after': '60', 'x-should-retry': 'false' })
})
