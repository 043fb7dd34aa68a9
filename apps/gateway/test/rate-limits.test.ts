import { startClaude, startOllama } from '@spillway/testing'
import { expect, test } from 'vitest'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { chat, messages, send } from './raw-client.ts'

const narrow = { rateLimit: { requestsPerMinute: 2, maxWait: '1s' } }

test('calls beyond the limit are refused within 50 ms, in the caller’s protocol, with a truthful retry-after', async () => {
  const claude = forThisTest(await startClaude())
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, narrow))
  for (let call = 0; call < 2; call++) await send(`${gateway.url}/v1/messages`, { body: messages() })
  const begun = performance.now()
  const { status, headers, text } = await send(`${gateway.url}/v1/messages`, { body: messages() })
  expect(performance.now() - begun).toBeLessThan(50)
  expect(status).toBe(429)
  expect(JSON.parse(text)).toMatchObject({ type: 'error', error: { type: 'rate_limit_error' } })
  expect(Number(headers['retry-after'])).toBeGreaterThan(55)
  expect(headers).toMatchObject({ 'x-spillway-attempts': '0', 'x-should-retry': 'false' })
  expect(claude.requests).toHaveLength(2)
})

test('a refusal goes to the fallback at once and is not retried', async () => {
  const claude = forThisTest(await startClaude())
  const ollama = forThisTest(await startOllama({ models: ['m'] }))
  const local = { api: 'ollama', endpoints: [{ url: ollama.url }], model: 'm' }
  const gateway = await gatewayOf(
    configOf(targetAt(claude, 'anthropic'), local, { ...narrow, retry: { attempts: 3 } }),
  )
  const served = []
  for (let call = 0; call < 4; call++) {
    const { headers } = await send(`${gateway.url}/v1/messages`, { body: messages() })
    served.push([headers['x-spillway-served-by'], headers['x-spillway-fallback']])
  }
  expect(served).toEqual([
    ['claude', undefined],
    ['claude', undefined],
    ['local', 'saturated'],
    ['local', 'saturated'],
  ])
})

test('the file’s limits do not bind a target without a credential; its own do', async () => {
  const ollama = forThisTest(await startOllama({ models: ['m'] }))
  const target = { api: 'ollama', endpoints: [{ url: ollama.url }], model: 'm' }
  const statuses = async (url: string): Promise<number[]> => {
    const seen = []
    for (let call = 0; call < 3; call++)
      seen.push((await send(`${url}/v1/chat/completions`, { body: chat() })).status)
    return seen
  }
  const free = await gatewayOf(configOf(target, undefined, narrow))
  expect(await statuses(free.url)).toEqual([200, 200, 200])
  const bound = await gatewayOf(configOf({ ...target, ...narrow }))
  expect(await statuses(bound.url)).toEqual([200, 200, 429])
})

test('each caller has limits of its own, which no fallback gets around', async () => {
  const claude = forThisTest(await startClaude())
  const second = forThisTest(await startClaude())
  const more = { tenants: narrow }
  const gateway = await gatewayOf(
    configOf(targetAt(claude, 'anthropic'), targetAt(second, 'anthropic'), more),
  )
  const ask = async (key: string): Promise<number> => {
    const headers = { 'x-api-key': key, 'anthropic-version': '2023-06-01' }
    return (await send(`${gateway.url}/v1/messages`, { body: messages(), headers })).status
  }
  const statuses = []
  for (const key of ['a', 'a', 'a', 'b', 'a']) statuses.push(await ask(key))
  expect(statuses).toEqual([200, 200, 429, 200, 429])
  expect(second.requests).toHaveLength(0)
})
