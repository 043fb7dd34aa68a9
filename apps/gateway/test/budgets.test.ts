import { join } from 'node:path'
import type { CallRow, Calls } from '@spillway/gateway-api'
import {
  hasRedis,
  type Reply,
  type SimulatedServer,
  startClaude,
  startOllama,
  startRedis,
} from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import type { StoredLimit } from '../src/clients/client-document.ts'
import { clientsOf, type TestClients } from './clients.ts'
import { configOf, forThisTest, gatewayOf, targetAt, temporaryFolder } from './gateway.ts'

const model = 'claude-opus-5-5'
const version = { 'anthropic-version': '2023-06-01' }

const limit = (usd: number, more: Partial<StoredLimit> = {}): StoredLimit => ({
  ...{ unit: 'usd', period: 'month', amount: usd * 1e9, hard: true },
  ...more,
})

/** Costs $0.40 for each 100,000 tokens of input, $0.20 for each 10,000 of output. */
const reply = (inputTokens: number, outputTokens: number): Reply => ({ usage: { inputTokens, outputTokens } })

/** What the callers of a gateway may use, and what else its configuration says. */
interface Setup {
  readonly limits?: readonly StoredLimit[]
  readonly config?: object | undefined
  readonly target?: object | undefined
  readonly second?: (claude: SimulatedServer) => object
}

interface Asked {
  readonly client?: string
  readonly signal?: AbortSignal
  readonly path?: string
}

async function setUp(setup: Setup = {}) {
  const upstream = { reply: reply(1_000, 1_000) }
  const claude = forThisTest(await startClaude({ reply: () => upstream.reply }))
  const { limits = [limit(1)] } = setup
  const clients = await clientsOf({
    ann: { limits, permissions: ['chat', 'tools', 'batches'] },
    bob: {},
    operator: { permissions: ['admin:read'] },
  })
  return { claude, upstream, ...(await gatewayFor({ claude, upstream, clients }, setup)) }
}

interface Around {
  readonly claude: SimulatedServer
  readonly upstream: { reply: Reply }
  readonly clients: TestClients
}

/** Another gateway for the same clients in front of the same Claude. */
async function gatewayFor({ claude, upstream, clients }: Around, { config, target, second }: Setup) {
  const first = targetAt(claude, 'anthropic', target)
  const gateway = await gatewayOf(configOf(first, second?.(claude), { server: clients.server, ...config }))
  const { url } = gateway
  const ask = (body: object = {}, { client = 'ann', signal, path = '/v1/messages' }: Asked = {}) =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'x-api-key': clients.keys[client] ?? '', ...version },
      body: JSON.stringify({
        ...{ model, max_tokens: 1_000, messages: [{ role: 'user', content: 'Hi' }], ...body },
      }),
      ...(signal && { signal }),
    })
  const said = async (body?: object, asked?: Asked) => {
    const response = await ask(body, asked)
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
  /** What ann has used, in USD: as the headers of a call say that costs next to nothing and goes nowhere else. */
  const used = async (): Promise<number> => {
    const before = upstream.reply
    upstream.reply = reply(1, 1)
    const { headers } = await said({ max_tokens: 1 })
    upstream.reply = before
    return Number(/used=([\d.]+)/.exec(headers.get('x-spillway-budget') ?? '')?.[1])
  }
  /** The status of a request of ann's, once its answer is read. */
  const get = async (path: string): Promise<number> => {
    const response = await fetch(url + path, { headers: { 'x-api-key': clients.keys.ann ?? '', ...version } })
    await response.text()
    return response.status
  }
  const booked = async (): Promise<readonly CallRow[]> =>
    (
      (await (
        await fetch(`${url}/api/calls?limit=100`, { headers: { 'x-api-key': clients.keys.operator ?? '' } })
      ).json()) as Calls
    ).calls
  const another = (other: Setup = {}) =>
    gatewayFor({ claude, upstream, clients }, { config, target, ...other })
  return { gateway, ask, said, used, get, booked, another, url }
}

/** Once all is settled. */
const eventually = { interval: 20, timeout: 10_000 }

describe('a hard budget in USD', () => {
  it('is charged what calls have cost, and refuses at no cost when too little is left', async () => {
    const { claude, upstream, said, booked } = await setUp()
    upstream.reply = reply(100_000, 20_000)
    expect((await said()).status).toBe(200)
    upstream.reply = reply(50_000, 1)
    expect((await said()).headers.get('x-spillway-budget')).toContain('limit=1;used=0.8;')
    const refused = await said()
    expect([refused.status, refused.headers.get('x-should-retry')]).toEqual([429, 'false'])
    expect(JSON.parse(refused.text)).toMatchObject({
      type: 'error',
      error: {
        type: 'billing_error',
        message: expect.stringMatching(/^ann has spent its budget of \$1 a month/),
      },
    })
    expect(claude.requests).toHaveLength(2)
    expect((await said({}, { client: 'bob' })).headers.has('x-spillway-budget')).toBe(false)
    await expect
      .poll(async () => (await booked()).map(({ failure, costNano }) => [failure, costNano]), eventually)
      .toEqual([
        [null, '200020000'],
        ['budget_exceeded', null],
        [null, '200020000'],
        [null, '800000000'],
      ])
  })

  it('admits one call beyond what is left, and no other beside it', async () => {
    const { claude, upstream, ask, said, used } = await setUp()
    upstream.reply = reply(200_000, 1)
    await said()
    upstream.reply = reply(1, 5_000)
    claude.next({ type: 'slow-headers', ms: 500 })
    // May cost $1.28, and $0.20 is left.
    const large = ask({ max_tokens: 64_000 })
    await claude.nextRequest()
    const beside = await said({ max_tokens: 1 })
    expect([beside.status, beside.headers.get('x-should-retry')]).toEqual([429, 'true'])
    expect(beside.text).toContain('is reserved by calls in flight')
    await (await large).text()
    await expect.poll(used, eventually).toBeCloseTo(0.9, 3)
  })

  it('is charged a stream that its caller leaves by what was read, and nothing is reserved any more', async () => {
    const { claude, upstream, ask, used, booked } = await setUp({ limits: [limit(100)] })
    upstream.reply = reply(1_000_000, 10_000)
    claude.next({ type: 'stall', afterChunks: 2, ms: 60_000 })
    const leaving = new AbortController()
    const stream = await ask({ stream: true, max_tokens: 64_000 }, { signal: leaving.signal })
    await stream.body?.getReader().read()
    leaving.abort()
    await expect.poll(async () => (await booked())[0]?.failure, eventually).toBe('cancelled')
    const cost = Number((await booked())[0]?.costNano) / 1e9
    expect(cost).toBeGreaterThan(3.9)
    await expect.poll(used, eventually).toBeCloseTo(cost, 2)
  })

  it('is charged each attempt of a call: retries, cuts, another target', async () => {
    const { claude, upstream, said, used, booked } = await setUp({
      limits: [limit(100)],
      config: { retry: { attempts: 3, baseDelay: '1ms' } },
      second: (claude) => targetAt(claude, 'anthropic', { model: 'claude-haiku-5-5' }),
    })
    upstream.reply = reply(1_000_000, 1)
    claude.next({ type: 'status', status: 429, retryAfter: 0 }, { type: 'status', status: 529 })
    expect((await said({ stream: true })).status).toBe(200)
    await expect.poll(used, eventually).toBeCloseTo(4, 2)
    // Broken off after some content, which is charged, and answered by nobody.
    claude.next({ type: 'cut', at: 'after-content', how: 'reset' })
    await said({ stream: true })
    await expect.poll(used, eventually).toBeGreaterThan(7.9)
    // Broken off before any content three times, and then another model answers.
    for (let attempt = 0; attempt < 3; attempt++) claude.next({ type: 'error-in-200', at: 'before-content' })
    expect((await said({ stream: true })).headers.get('x-spillway-served-by')).toBe('local')
    const total = async (): Promise<number> =>
      (await booked()).reduce((sum, { costNano }) => sum + Number(costNano), 0) / 1e9
    await expect.poll(async () => (await used()) - (await total()), eventually).toBeCloseTo(0, 2)
    expect(await total()).toBeGreaterThan(12)
  })

  it('refuses a model whose price nobody knows, which a price for all others admits', async () => {
    const unknown = { model: 'a-model-of-nobody' }
    const { claude, said } = await setUp()
    const refused = await said(unknown)
    expect([refused.status, refused.headers.get('x-should-retry')]).toEqual([403, 'false'])
    expect(refused.text).toContain('no price is known for the model a-model-of-nobody')
    expect(claude.requests).toEqual([])
    const prices = [{ models: ['*'], input: 100, output: 100 }]
    const priced = await setUp({ target: { prices } })
    expect((await priced.said(unknown)).status).toBe(200)
    await expect.poll(priced.used, eventually).toBeCloseTo(0.2, 2)
  })

  it('lets its client make no batches, whose cost shows when it is too late', async () => {
    const { said } = await setUp()
    const refused = await said({ requests: [] }, { path: '/v1/messages/batches' })
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('limited by a hard budget')])
  })
})

it('requests and tokens are counted, those of refused and failed calls not', async () => {
  const limits = [
    limit(0, { unit: 'requests', period: 'day', amount: 3 }),
    limit(0, { unit: 'tokens', period: 'day', amount: 1e6, hard: false }),
  ]
  const { claude, said } = await setUp({ limits })
  for (const expected of [200, 200, 200, 429, 429]) expect((await said()).status).toBe(expected)
  expect(claude.requests).toHaveLength(3)
})

it('a model on this machine costs nothing, with a budget of nothing too', async () => {
  const ollama = forThisTest(await startOllama())
  const local = { api: 'ollama', endpoints: [{ url: ollama.url }], model: 'llama3.2' }
  const { said } = await setUp({
    limits: [limit(0)],
    config: {
      routes: [
        { models: 'llama*', target: 'local' },
        { models: '*', target: 'claude', fallback: [] },
      ],
    },
    second: () => local,
  })
  expect((await said()).status).toBe(429)
  for (const expected of [200, 200]) expect((await said({ model: 'llama3.2' })).status).toBe(expected)
})

it('a batch is charged when its results are read, once, after a restart too', async () => {
  const storage = { url: `sqlite:${join(temporaryFolder(), 'ledger.db')}` }
  const setup = { limits: [limit(100, { hard: false })], config: { storage } }
  const { upstream, gateway, said, used, get, another } = await setUp(setup)
  upstream.reply = reply(1_000_000, 1)
  const params = { model, max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }] }
  const alone = { model: undefined, max_tokens: undefined, messages: undefined }
  const requests = [{ custom_id: '1', params }]
  const made = await said({ ...alone, requests }, { path: '/v1/messages/batches' })
  const { id } = JSON.parse(made.text) as { id: string }
  const results = `/v1/messages/batches/${id}/results`
  expect(await get(`/v1/messages/batches/${id}`)).toBe(200)
  await expect.poll(() => get(results), eventually).toBe(200)
  // At half the price.
  await expect.poll(used, eventually).toBeCloseTo(2, 2)
  await gateway.close(0)
  const next = await another(setup)
  expect(await next.get(results)).toBe(200)
  await expect.poll(next.booked, eventually).not.toHaveLength(0)
  expect(await next.used()).toBeCloseTo(2, 2)
})

it('a soft budget warns and refuses nothing', async () => {
  const { upstream, said } = await setUp({ limits: [limit(1, { hard: false })] })
  upstream.reply = reply(200_000, 1)
  await said()
  const { status, headers } = await said()
  expect([status, headers.get('anthropic-ratelimit-unified-status')]).toEqual([200, 'allowed_warning'])
  expect((await said()).status).toBe(200)
})

it('all callers together have a budget, and each that has none of its own', async () => {
  const { upstream, said } = await setUp({
    limits: [limit(50)],
    config: { budgets: { all: ['usd=3/day'], eachClient: ['usd=1/month'] } },
  })
  upstream.reply = reply(250_000, 1)
  expect((await said({}, { client: 'bob' })).status).toBe(200)
  expect((await said({}, { client: 'bob' })).text).toContain('bob has spent its budget of $1 a month')
  expect((await said()).status).toBe(200)
  expect((await said()).status).toBe(200)
  expect((await said()).text).toContain('this gateway has spent its budget of $3 a day')
})

it('a restart gives nothing away: what was used is read from the ledger', async () => {
  const limits = [
    limit(1),
    limit(0, { unit: 'requests', period: 'week', amount: 100 }),
    limit(0, { unit: 'tokens', period: 'day', amount: 1e9 }),
  ]
  const storage = { url: `sqlite:${join(temporaryFolder(), 'ledger.db')}` }
  const { upstream, gateway, said, another } = await setUp({ limits, config: { storage } })
  upstream.reply = reply(100_000, 20_000)
  await said()
  await said({}, { client: 'bob' })
  await gateway.close(0)
  const next = await another()
  upstream.reply = reply(50_000, 1)
  expect((await next.said()).headers.get('x-spillway-budget')).toContain('limit=1;used=0.8;')
  expect((await next.said()).text).toContain('ann has spent its budget of $1 a month')
  expect((await next.said({}, { client: 'bob' })).status).toBe(200)
})

it.skipIf(!hasRedis() && !process.env.CI)(
  'two gateways share budgets over Redis, and say so when it is away',
  async () => {
    const redis = forThisTest(await startRedis())
    const first = await setUp({ config: { state: { redis: redis.url } } })
    const second = await first.another()
    first.upstream.reply = reply(100_000, 20_000)
    expect((await first.said()).status).toBe(200)
    await expect.poll(second.used, eventually).toBeGreaterThan(0.79)
    await expect.poll(first.used, eventually).toBeGreaterThan(0.79)
    first.upstream.reply = reply(49_000, 1)
    expect((await second.said()).status).toBe(200)
    await expect.poll(async () => (await first.said()).status, eventually).toBe(429)
    const ready = async (): Promise<unknown> => {
      const { budgets } = (await (await fetch(`${first.url}/readyz`)).json()) as { budgets?: string }
      return budgets
    }
    expect(await ready()).toBe('shared')
    await redis.stop()
    expect((await first.said()).status).toBe(429)
    await expect.poll(ready, eventually).toBe('local')
    await redis.start()
    await expect.poll(ready, eventually).toBe('shared')
    expect((await first.said()).status).toBe(429)
    expect((await second.said()).status).toBe(429)
  },
)
