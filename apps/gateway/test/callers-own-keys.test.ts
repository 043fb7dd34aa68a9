import type { Targets } from '@spillway/gateway-api'
import {
  type Fault,
  hasRedis,
  type SimulatedServer,
  startClaude,
  startOllama,
  startRedis,
} from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import type { Gateway } from '../src/index.ts'
import { configOf, forThisTest, gatewayOf } from './gateway.ts'
import { messages, type Received, send } from './raw-client.ts'

/** What the vendor says to single keys. */
type Words = Record<string, Fault | undefined>

const statusOf = (status: number, more: object = {}): Fault => ({ type: 'status', status, ...more })

async function claudeThatSays(words: Words): Promise<SimulatedServer> {
  return forThisTest(await startClaude({ fault: ({ headers }) => words[headers['x-api-key'] ?? ''] }))
}

async function localFallback(): Promise<{ server: SimulatedServer; target: object }> {
  const server = forThisTest(await startOllama())
  return { server, target: { api: 'ollama', endpoints: [{ url: server.url }], model: 'llama3.2' } }
}

const withCallersKeys = (...servers: readonly SimulatedServer[]): object => ({
  api: 'anthropic',
  endpoints: servers.map(({ url }) => ({ url, credential: 'caller' })),
})

const as = (gateway: Gateway, key: string, body: object = {}): Promise<Received> =>
  send(`${gateway.url}/v1/messages`, { headers: { 'x-api-key': key }, body: messages(body) })

const times = async (count: number, ask: () => Promise<Received>): Promise<number[]> => {
  const statuses: number[] = []
  for (let call = 0; call < count; call++) statuses.push((await ask()).status)
  return statuses
}

const keysAt = ({ requests }: SimulatedServer): (string | undefined)[] =>
  requests.map(({ headers }) => headers['x-api-key'])

describe.each([
  ['one endpoint', 1],
  ['two endpoints', 2],
])('with callers’ own keys at %s', (_, count) => {
  const setUp = async (words: Words, more: object = {}, second?: object) => {
    const servers = await Promise.all(Array.from({ length: count }, () => claudeThatSays(words)))
    return { servers, gateway: await gatewayOf(configOf(withCallersKeys(...servers), second, more)) }
  }

  it('the 429 of one caller closes nothing for another', async () => {
    const { gateway } = await setUp(
      { busy: statusOf(429, { retryAfter: 3600 }) },
      { rateLimit: { requestsPerMinute: 600, maxWait: '1s' } },
    )
    expect((await as(gateway, 'busy')).status).toBe(429)
    expect(await times(10, () => as(gateway, 'other'))).toEqual(Array(10).fill(200))
    const again = await as(gateway, 'busy')
    expect(again.status).toBe(429)
    expect(Number(again.headers['retry-after'])).toBeGreaterThan(60)
  })

  it('the vendor’s own word on what is left of a limit holds for its caller alone', async () => {
    const exhausted = {
      'anthropic-ratelimit-requests-limit': '50',
      'anthropic-ratelimit-requests-remaining': '0',
      'anthropic-ratelimit-requests-reset': new Date(Date.now() + 600_000).toISOString(),
    }
    const { gateway } = await setUp(
      { busy: statusOf(500, { headers: exhausted }) },
      { rateLimit: { requestsPerMinute: 600, maxWait: '100ms' } },
    )
    await as(gateway, 'busy')
    expect(await times(5, () => as(gateway, 'other'))).toEqual(Array(5).fill(200))
  })

  it('each caller has all of the limits', async () => {
    const { gateway, servers } = await setUp({}, { rateLimit: { requestsPerMinute: 3, maxWait: '100ms' } })
    expect(await times(4, () => as(gateway, 'one'))).toEqual([200, 200, 200, 429])
    expect(await times(4, () => as(gateway, 'two'))).toEqual([200, 200, 200, 429])
    expect(servers.flatMap(keysAt).sort()).toEqual(['one', 'one', 'one', 'two', 'two', 'two'])
  })

  it('each caller has all of the tokens', async () => {
    const { gateway } = await setUp({}, { rateLimit: { outputTokensPerMinute: 150, maxWait: '100ms' } })
    const spent = { max_tokens: 150 }
    for (const key of ['one', 'two', 'three']) expect((await as(gateway, key, spent)).status).toBe(200)
  })

  it('callers without a key are one caller', async () => {
    const { gateway } = await setUp({}, { rateLimit: { requestsPerMinute: 2, maxWait: '100ms' } })
    const ask = (): Promise<Received> => as(gateway, '')
    // The vendor refuses them, and the third is not even asked.
    expect((await times(3, ask)).at(-1)).toBe(429)
    expect((await as(gateway, 'one')).status).toBe(200)
  })

  it.each([
    ['refuses (401)', statusOf(401)],
    ['refuses for its bill (402)', statusOf(402)],
    ['forbids (403)', statusOf(403)],
  ])('a key that the vendor %s opens a circuit for its caller alone', async (_words, fault) => {
    const { server: local, target } = await localFallback()
    const circuitBreaker = { minimumCalls: 4, openFor: '60s' }
    const { gateway, servers } = await setUp({ bad: fault }, { circuitBreaker }, target)
    for (let call = 0; call < 8; call++) {
      expect((await as(gateway, 'bad')).headers['x-spillway-served-by']).toBe('local')
      expect((await as(gateway, 'good')).headers['x-spillway-served-by']).toBe('claude')
    }
    for (let call = 0; call < 6; call++) {
      const { headers } = await as(gateway, 'bad')
      if (count === 1) expect(headers['x-spillway-fallback']).toBe('circuit_open')
      expect(headers['x-spillway-served-by']).toBe('local')
    }
    const asked = servers.flatMap(keysAt).filter((key) => key === 'bad')
    expect(asked.length).toBeLessThanOrEqual(4 * count)
    expect(local.requests).toHaveLength(14)
    expect(await times(5, () => as(gateway, 'good'))).toEqual(Array(5).fill(200))
  })

  it('a failure of the endpoint still opens its circuit, for all callers', async () => {
    const { target } = await localFallback()
    const words: Words = { one: statusOf(529), two: statusOf(529) }
    const circuitBreaker = { minimumCalls: 4, openFor: '60s' }
    const { gateway } = await setUp(words, { circuitBreaker }, target)
    for (let call = 0; call < 8 * count; call++) await as(gateway, call % 2 ? 'one' : 'two')
    const { headers } = await as(gateway, 'three')
    expect(headers).toMatchObject({ 'x-spillway-served-by': 'local', 'x-spillway-fallback': 'circuit_open' })
  })

  it('the retries of one caller’s 429s are not taken from another', async () => {
    const words: Words = { busy: statusOf(429, { headers: { 'retry-after-ms': '1' } }) }
    const { gateway, servers } = await setUp(words, {
      retry: { attempts: 3, baseDelay: '1ms', maxDelay: '1ms', budget: 0 },
    })
    // Twelve calls take the ten retries that a caller begins with.
    await times(12, () => as(gateway, 'busy'))
    words.other = words.busy
    await as(gateway, 'other')
    expect(servers.flatMap(keysAt).filter((key) => key === 'other')).toHaveLength(3)
  })
})

it('circuits of callers’ keys are shown by fingerprints, and are no open circuits of the endpoint in /metrics', async () => {
  const claude = await claudeThatSays({ bad: statusOf(401) })
  const circuitBreaker = { minimumCalls: 2 }
  const gateway = await gatewayOf(configOf(withCallersKeys(claude), undefined, { circuitBreaker }))
  await times(3, () => as(gateway, 'bad'))
  const { text } = await send(`${gateway.url}/api/targets`, { method: 'GET' })
  const circuits = (JSON.parse(text) as Targets).targets[0]?.endpoints[0]?.circuits ?? []
  const ofKeys = circuits.filter(({ scope }) => scope === 'key')
  expect(ofKeys).toEqual([
    expect.objectContaining({ key: expect.stringMatching(/^\*:key-[\w-]{22}$/), state: 'open' }),
  ])
  const metrics = (await send(`${gateway.url}/metrics`, { method: 'GET' })).text
  expect(metrics).toMatch(/spillway_circuits\{[^}]*spillway_circuit_state="open"[^}]*\} 0/)
})

it('a model that is called like the circuit of a key opens it for nobody', async () => {
  const { target } = await localFallback()
  const claude = forThisTest(
    await startClaude({
      fault: ({ json }) => ((json as { model: string }).model === '*' ? statusOf(529) : undefined),
    }),
  )
  const circuitBreaker = { minimumCalls: 2 }
  const first = { api: 'anthropic', endpoints: [{ url: claude.url, credential: 'env:SPILLWAY_TEST_KEY' }] }
  const gateway = await gatewayOf(configOf(first, target, { circuitBreaker }))
  await times(4, () => as(gateway, 'one', { model: '*' }))
  expect((await as(gateway, 'two')).headers['x-spillway-served-by']).toBe('claude')
})

describe.skipIf(!hasRedis() && !process.env.CI)(
  'with callers’ own keys over one Redis',
  { timeout: 30_000 },
  () => {
    const pair = async (words: Words, more: object): Promise<[Gateway, Gateway, SimulatedServer]> => {
      const redis = forThisTest(await startRedis())
      const claude = await claudeThatSays(words)
      const config = configOf(withCallersKeys(claude), undefined, { ...more, state: { redis: redis.url } })
      return [await gatewayOf(config), await gatewayOf(config), claude]
    }

    it('each caller has its limits once over all gateways', async () => {
      const [one, other] = await pair({}, { rateLimit: { requestsPerMinute: 4, maxWait: '100ms' } })
      for (const key of ['a', 'b']) {
        const statuses = []
        for (const gateway of [one, other, one, other, one]) statuses.push((await as(gateway, key)).status)
        expect(statuses).toEqual([200, 200, 200, 200, 429])
      }
    })

    it('a circuit that opens for one caller opens for the same caller at the others, and for nobody else', async () => {
      const minimumCalls = 40
      const [one, other, claude] = await pair(
        { bad: statusOf(401) },
        { circuitBreaker: { minimumCalls, openFor: '60s' } },
      )
      await times(minimumCalls, () => as(one, 'bad'))
      const asked = async (gateway: Gateway, key: string): Promise<number> => {
        const before = claude.requests.length
        await as(gateway, key)
        return claude.requests.length - before
      }
      await expect.poll(() => asked(other, 'bad'), { timeout: 8_000, interval: 50 }).toBe(0)
      // Far sooner than by so many calls at the other.
      expect(claude.requests.length).toBeLessThan(minimumCalls + minimumCalls / 2)
      const before = claude.requests.length
      expect(await times(2, () => as(other, 'good'))).toEqual([200, 200])
      expect(keysAt(claude).slice(before)).toEqual(['good', 'good'])
    })
  },
)
