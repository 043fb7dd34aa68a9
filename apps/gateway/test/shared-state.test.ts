import { hasRedis, type PrivateRedis, startClaude, startOllama, startRedis } from '@spillway/testing'
import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { stringify } from 'yaml'
import { type Gateway, parseConfig, startGateway } from '../src/index.ts'
import { configOf, forThisTest, targetAt } from './gateway.ts'
import { messages, type Received, send } from './raw-client.ts'

const canRun = hasRedis()
const mustRun = Boolean(process.env.CI)
if (!canRun && !mustRun) {
  console.warn('SKIPPED: the tests of state that gateways share, since redis-server is not installed')
}

it.runIf(mustRun)('redis-server is installed', () => {
  expect(canRun).toBe(true)
})

interface SharingGateway extends Gateway {
  /** What it has told its owner. */
  readonly said: readonly string[]
}

async function gatewayAt(redis: Pick<PrivateRedis, 'url'>, config: object): Promise<SharingGateway> {
  const said: string[] = []
  const { config: valid } = parseConfig(stringify({ ...config, state: { redis: redis.url } }), 'test.yaml')
  const gateway = await startGateway(valid, { port: 0, log: (line) => said.push(line) })
  onTestFinished(() => gateway.close(0))
  return { ...gateway, said }
}

const ask = ({ url }: Gateway, body: object = {}): Promise<Received> =>
  send(`${url}/v1/messages`, { body: messages(body) })

async function limitsOf({ url }: Gateway): Promise<unknown> {
  const { status, text } = await send(`${url}/readyz`, { method: 'GET' })
  expect(status).toBe(200)
  return JSON.parse(text).limits
}

/** Long enough for the slowest reconnection. */
const patience = { timeout: 8_000, interval: 20 }

const becomes = (gateway: Gateway, state: string): Promise<void> =>
  vi.waitFor(async () => expect(await limitsOf(gateway)).toBe(state), patience)

describe.skipIf(!canRun)('gateways with the same Redis', { timeout: 30_000 }, () => {
  it('share a limit of so many calls a minute', async () => {
    const redis = forThisTest(await startRedis())
    const claude = forThisTest(await startClaude())
    const rateLimit = { requestsPerMinute: 10, maxWait: '1s' }
    const config = configOf(targetAt(claude, 'anthropic'), undefined, { rateLimit })
    const gateways = [await gatewayAt(redis, config), await gatewayAt(redis, config)] as const
    const statuses: number[][] = [[], []]
    for (let call = 0; call < 30; call++) {
      statuses[call % 2]?.push((await ask(gateways[call % 2 === 0 ? 0 : 1])).status)
    }
    expect(statuses.flat().filter((status) => status === 200)).toHaveLength(10)
    expect(statuses.flat().filter((status) => status === 429)).toHaveLength(20)
    expect(statuses.map((each) => each.filter((status) => status === 200).length)).toEqual([5, 5])
    expect(claude.requests).toHaveLength(10)
    expect(await Promise.all(gateways.map(limitsOf))).toEqual(['shared', 'shared'])
    expect(gateways.flatMap(({ said }) => said)).toEqual([])
  })

  it('share the limits of each caller', async () => {
    const redis = forThisTest(await startRedis())
    const claude = forThisTest(await startClaude())
    const tenants = { rateLimit: { requestsPerMinute: 3, maxWait: '1s' } }
    const config = configOf(targetAt(claude, 'anthropic'), undefined, { tenants })
    const [one, other] = [await gatewayAt(redis, config), await gatewayAt(redis, config)]
    const statuses = []
    for (const gateway of [one, other, one, other]) statuses.push((await ask(gateway)).status)
    expect(statuses).toEqual([200, 200, 200, 429])
    const headers = { 'x-api-key': 'sk-of-another' }
    expect((await send(`${other.url}/v1/messages`, { body: messages(), headers })).status).toBe(200)
  })

  it('know of circuits that another one has opened, also those that start later', async () => {
    const redis = forThisTest(await startRedis())
    const claude = forThisTest(await startClaude())
    const local = forThisTest(await startOllama({ models: ['m'] }))
    const second = { api: 'ollama', endpoints: [{ url: local.url }], model: 'm' }
    const circuitBreaker = { minimumCalls: 4, openFor: '60s' }
    const config = configOf(targetAt(claude, 'anthropic'), second, { circuitBreaker })
    const [one, other] = [await gatewayAt(redis, config), await gatewayAt(redis, config)]
    claude.always({ type: 'status', status: 529 })
    for (let call = 0; call < 4; call++) await ask(one)
    // Nothing that the others see themselves could open a circuit of theirs.
    claude.always(undefined)
    const isTold = (gateway: Gateway): Promise<void> =>
      vi.waitFor(async () => {
        const { headers } = await ask(gateway)
        expect(headers).toMatchObject({
          'x-spillway-served-by': 'local',
          'x-spillway-fallback': 'circuit_open',
        })
      }, patience)
    await isTold(other)
    await isTold(await gatewayAt(redis, config))
    // Another model's circuit is another one.
    expect((await ask(other, { model: 'claude-haiku-5-5' })).headers['x-spillway-served-by']).toBe('claude')
  })

  it('go on by themselves when it is killed, say so, and share again when it is back', async () => {
    const redis = forThisTest(await startRedis())
    const claude = forThisTest(await startClaude())
    const rateLimit = { requestsPerMinute: 600 }
    const gateway = await gatewayAt(redis, configOf(targetAt(claude, 'anthropic'), undefined, { rateLimit }))
    expect((await ask(gateway)).status).toBe(200)
    expect(await limitsOf(gateway)).toBe('shared')
    const underWay = Array.from({ length: 20 }, () => ask(gateway))
    await redis.stop()
    const statuses = (await Promise.all(underWay)).map(({ status }) => status)
    const waits: number[] = []
    for (let call = 0; call < 20; call++) {
      const begun = performance.now()
      statuses.push((await ask(gateway)).status)
      waits.push(performance.now() - begun)
    }
    expect(statuses).toEqual(Array(40).fill(200))
    expect(Math.max(...waits)).toBeLessThan(1_000)
    await becomes(gateway, 'local')
    expect(gateway.said).toEqual([expect.stringMatching(/^redis is unavailable.*share of the limits$/)])
    await redis.start()
    await becomes(gateway, 'shared')
    expect(gateway.said).toEqual([expect.anything(), 'redis is back: limits are shared again'])
    expect((await ask(gateway)).status).toBe(200)
  })

  it('go on by themselves while it does not answer', async () => {
    const redis = forThisTest(await startRedis())
    const claude = forThisTest(await startClaude())
    const rateLimit = { requestsPerMinute: 600 }
    const gateway = await gatewayAt(redis, configOf(targetAt(claude, 'anthropic'), undefined, { rateLimit }))
    expect((await ask(gateway)).status).toBe(200)
    redis.pause()
    onTestFinished(() => redis.resume())
    const begun = performance.now()
    for (let call = 0; call < 10; call++) expect((await ask(gateway)).status).toBe(200)
    // One call finds out; the others do not wait for it again.
    expect(performance.now() - begun).toBeLessThan(2_000)
    expect(await limitsOf(gateway)).toBe('local')
    redis.resume()
    await vi.waitFor(async () => {
      expect((await ask(gateway)).status).toBe(200)
      expect(await limitsOf(gateway)).toBe('shared')
    }, patience)
  })

  it('start without it', async () => {
    const redis = forThisTest(await startRedis())
    await redis.stop()
    const claude = forThisTest(await startClaude())
    const rateLimit = { requestsPerMinute: 600 }
    const begun = performance.now()
    const gateway = await gatewayAt(redis, configOf(targetAt(claude, 'anthropic'), undefined, { rateLimit }))
    expect(performance.now() - begun).toBeLessThan(3_000)
    expect(await limitsOf(gateway)).toBe('local')
    expect((await ask(gateway)).status).toBe(200)
    await redis.start()
    await becomes(gateway, 'shared')
  })

  it('say nothing when they stop', async () => {
    const redis = forThisTest(await startRedis())
    const claude = forThisTest(await startClaude())
    const gateway = await gatewayAt(redis, configOf(targetAt(claude, 'anthropic')))
    const watching = new Redis(redis.url)
    onTestFinished(() => watching.disconnect())
    const clients = async (): Promise<number> =>
      String(await watching.client('LIST'))
        .trim()
        .split('\n').length
    expect(await clients()).toBeGreaterThan(1)
    await gateway.close(0)
    await vi.waitFor(async () => expect(await clients()).toBe(1), patience)
    expect(gateway.said).toEqual([])
  })
})

it('a gateway that shares nothing does not speak of it', async () => {
  const claude = forThisTest(await startClaude())
  const { config } = parseConfig(stringify(configOf(targetAt(claude, 'anthropic'))), 'test.yaml')
  const gateway = await startGateway(config, { port: 0 })
  onTestFinished(() => gateway.close(0))
  const { text } = await send(`${gateway.url}/readyz`, { method: 'GET' })
  expect(JSON.parse(text)).not.toHaveProperty('limits')
})
