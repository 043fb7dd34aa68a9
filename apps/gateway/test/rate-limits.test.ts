import { join } from 'node:path'
import type { Targets } from '@spillway/gateway-api'
import { startClaude, startOllama } from '@spillway/testing'
import { describe, expect, it, vi } from 'vitest'
import { configOf, forThisTest, gatewayOf, targetAt, temporaryFolder } from './gateway.ts'
import { chat, messages, send } from './raw-client.ts'

const narrow = { rateLimit: { requestsPerMinute: 2, maxWait: '1s' } }

it('calls beyond the limit are refused within 50 ms, in the caller’s protocol, with a truthful retry-after', async () => {
  const claude = forThisTest(await startClaude())
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, narrow))
  for (let call = 0; call < 2; call++) await send(`${gateway.url}/v1/messages`, { body: messages() })
  // The fastest of a few: a pause of the machine is none of the gateway's.
  const took: number[] = []
  for (let call = 0; call < 5; call++) {
    const begun = performance.now()
    expect((await send(`${gateway.url}/v1/messages`, { body: messages() })).status).toBe(429)
    took.push(performance.now() - begun)
  }
  expect(Math.min(...took)).toBeLessThan(50)
  const { headers, text } = await send(`${gateway.url}/v1/messages`, { body: messages() })
  expect(JSON.parse(text)).toMatchObject({ type: 'error', error: { type: 'rate_limit_error' } })
  expect(Number(headers['retry-after'])).toBeGreaterThan(55)
  expect(headers).toMatchObject({ 'x-spillway-attempts': '0', 'x-should-retry': 'false' })
  expect(claude.requests).toHaveLength(2)
})

it('a refusal goes to the fallback at once and is not retried', async () => {
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

it('the file’s limits do not bind a target without a credential; its own do', async () => {
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

it('each caller has limits of its own, which no fallback gets around', async () => {
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

describe('a 429 of the vendor', () => {
  const opus = { body: messages({ model: 'claude-opus-4-8' }) }
  const haiku = { body: messages({ model: 'claude-haiku-5-5' }) }
  const setUp = async (more: object = {}, target: object = {}) => {
    const claude = forThisTest(await startClaude())
    const rateLimit = { requestsPerMinute: 600, maxWait: '0ms' }
    const gateway = await gatewayOf(
      configOf(targetAt(claude, 'anthropic', target), undefined, { rateLimit, ...more }),
    )
    const ask = async (call: object): Promise<number> =>
      (await send(`${gateway.url}/v1/messages`, call)).status
    const limitsNow = async () => {
      const { text } = await send(`${gateway.url}/api/targets`, { method: 'GET' })
      return (JSON.parse(text) as Targets).targets[0]?.endpoints[0]?.limitGroups ?? []
    }
    claude.next({ type: 'status', status: 429, retryAfter: 9 * 86_400 })
    return { claude, url: gateway.url, ask, limitsNow }
  }

  it('for one family closes no other, whatever tenants are limited to', async () => {
    const { ask, claude } = await setUp({ tenants: { rateLimit: { requestsPerMinute: 100 } } })
    expect(await ask(opus)).toBe(429)
    expect(await ask(haiku)).toBe(200)
    expect(await ask(opus)).toBe(429)
    expect(await ask({ body: messages({ model: 'claude-opus-4-6' }) })).toBe(429)
    expect(await ask({ body: messages({ model: 'claude-opus-5-5' }) })).toBe(200)
    expect(claude.requests).toHaveLength(3)
  })

  it.each([
    ['by the key', { groupBy: 'key' }, {}],
    ['where the configuration sets the model', {}, { model: 'claude-opus-4-8' }],
  ])('closes all models that are limited together: %s', async (_, more, target) => {
    const rateLimit = { requestsPerMinute: 600, maxWait: '0ms', ...more }
    const { ask, claude } = await setUp({ rateLimit }, target)
    expect([await ask(opus), await ask(haiku)]).toEqual([429, 429])
    expect(claude.requests).toHaveLength(1)
  })

  it('is shown until when, and opens by hand', async () => {
    const storage = { url: `sqlite:${join(temporaryFolder(), 'spillway.db')}` }
    const { ask, url, limitsNow } = await setUp({ storage })
    await ask(opus)
    const before = Date.now()
    const [closed] = await limitsNow()
    expect(closed).toMatchObject({ group: 'claude-opus-4', headroom: { requestsPerMinute: { limit: 600 } } })
    expect((closed?.closedUntil ?? 0) - before).toBeGreaterThan(595_000)
    expect((await send(`${url}/metrics`, { method: 'GET' })).text).toMatch(
      /^spillway_limiter_closed\{.*\} 1$/m,
    )
    const open = (query: string) => send(`${url}/api/targets?${query}`, { body: {} })
    for (const [query, message] of [
      ['open=circuits&target=claude', 'open: expected limits'],
      ['open=limits&target=clade', 'target: expected one of claude'],
      ['open=limits&target=claude&endpoint=2', 'endpoint: expected one of 1'],
      ['open=limits&target=claude&endpont=1', 'endpont: unknown parameter; there are open, target, endpoint'],
    ]) {
      const { status, text } = await open(query as string)
      expect([status, JSON.parse(text)]).toEqual([400, { error: { status: 400, message } }])
    }
    expect(await ask(opus)).toBe(429)
    expect((await open('open=limits&target=claude&endpoint=1')).status).toBe(200)
    expect((await limitsNow())[0]).not.toHaveProperty('closedUntil')
    expect(await ask(opus)).toBe(200)
    await vi.waitFor(async () => {
      const { text } = await send(`${url}/api/audit?query=limits.opened`, { method: 'GET' })
      expect(JSON.parse(text).entries).toMatchObject([
        { actor: 'anyone', subject: 'claude/1', details: { by: 'open', from: '127.0.0.1' } },
      ])
    }, 8_000)
  })

  it('of one caller with a key of its own closes nothing for another, where the upstream is paced as well', async () => {
    const claude = forThisTest(await startClaude())
    const endpoints = [{ url: claude.url, credential: 'caller' }]
    const rateLimit = { requestsPerMinute: 600, maxWait: '0ms', adaptiveConcurrency: {} }
    const gateway = await gatewayOf(configOf({ api: 'anthropic', endpoints, rateLimit }))
    const ask = async (key: string): Promise<number> => {
      const headers = { 'x-api-key': key, 'anthropic-version': '2023-06-01' }
      return (await send(`${gateway.url}/v1/messages`, { ...opus, headers })).status
    }
    claude.next({ type: 'status', status: 429, retryAfter: 3_600 })
    expect([await ask('one'), await ask('other'), await ask('one')]).toEqual([429, 200, 429])
  })
})

it('what the vendor says of a pool that others use, or of a day, refuses nobody while enough is left', async () => {
  const words = {
    'anthropic-ratelimit-input-tokens-limit': '400000',
    'anthropic-ratelimit-input-tokens-remaining': '300000',
    'anthropic-ratelimit-input-tokens-reset': new Date(Date.now() + 15_000).toISOString(),
    'x-ratelimit-limit-requests': '14400',
    'x-ratelimit-remaining-requests': '14000',
    'x-ratelimit-reset-requests': '40m0s',
  }
  const claude = forThisTest(await startClaude({ headers: words }))
  const rateLimit = { requestsPerMinute: 30, inputTokensPerMinute: 100_000, maxWait: '0ms' }
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, { rateLimit }))
  const statuses = []
  for (let call = 0; call < 5; call++)
    statuses.push((await send(`${gateway.url}/v1/messages`, { body: messages() })).status)
  expect(statuses).toEqual([200, 200, 200, 200, 200])
  const { text } = await send(`${gateway.url}/api/targets`, { method: 'GET' })
  const [group] = (JSON.parse(text) as Targets).targets[0]?.endpoints[0]?.limitGroups ?? []
  expect(group?.vendor).toContainEqual(
    expect.objectContaining({ name: 'inputTokensPerMinute', limit: 400_000 }),
  )
})
