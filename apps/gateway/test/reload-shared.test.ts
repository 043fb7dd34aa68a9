import { hasRedis, startClaude, startRedis } from '@spillway/testing'
import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { stringify } from 'yaml'
import { type Gateway, parseConfig, startGateway } from '../src/index.ts'
import { configOf, forThisTest, targetAt } from './gateway.ts'
import { messages, type Received, send } from './raw-client.ts'

const canRun = hasRedis()

it.runIf(process.env.CI)('redis-server is installed', () => expect(canRun).toBe(true))

const read = (config: object) => parseConfig(stringify(config), 'test.yaml').config

const ask = ({ url }: Gateway, body: object = {}): Promise<Received> =>
  send(`${url}/v1/messages`, { body: messages(body) })

describe.skipIf(!canRun)('a reload of a gateway with Redis', { timeout: 30_000 }, () => {
  async function gatewayAt(config: (version: number) => object) {
    const redis = forThisTest(await startRedis())
    const client = new Redis(redis.url)
    onTestFinished(() => client.disconnect())
    const at = (version: number) => read({ ...config(version), state: { redis: redis.url } })
    const gateway = await startGateway(at(0), { port: 0, stateFolder: null, log: () => {} })
    onTestFinished(() => gateway.close(0))
    let version = 0
    const reload = () => gateway.reload(at(++version))
    const places = async (): Promise<number> => {
      const [key] = await client.keys('*leases')
      return key === undefined ? 0 : client.zcard(key)
    }
    return { gateway, client, reload, places }
  }

  /** Each time another one, so that the target is opened again. */
  const timeouts = (version: number) => ({ timeouts: { idle: `${60 + version}s` } })

  it('counts calls in flight once, whichever configuration they began with', async () => {
    const claude = forThisTest(await startClaude({ chunks: 1_000, chunkDelayMs: 5 }))
    const { gateway, reload, places } = await gatewayAt((version) =>
      configOf(targetAt(claude, 'anthropic', timeouts(version)), undefined, {
        rateLimit: { concurrency: 4, maxWait: '50ms' },
      }),
    )
    const leaving = new AbortController()
    const begin = () =>
      fetch(`${gateway.url}/v1/messages`, {
        ...{ method: 'POST', body: JSON.stringify(messages({ stream: true })), signal: leaving.signal },
      }).then(({ status }) => status)
    expect(await Promise.all([begin(), begin()])).toEqual([200, 200])
    await reload()
    expect(await places()).toBe(2)
    expect(await Promise.all([begin(), begin()])).toEqual([200, 200])
    expect(await places()).toBe(4)
    await reload()
    expect([await begin(), await places()]).toEqual([429, 4])
    leaving.abort()
    await vi.waitFor(async () => expect(await places()).toBe(0), 5_000)
  })

  it('keeps circuits open', async () => {
    const claude = forThisTest(await startClaude())
    const { gateway, reload } = await gatewayAt((version) =>
      configOf(targetAt(claude, 'anthropic', timeouts(version)), undefined, {
        circuitBreaker: { minimumCalls: 4, openFor: '60s' },
      }),
    )
    claude.always({ type: 'status', status: 529 })
    for (let call = 0; call < 4; call++) await ask(gateway)
    claude.always(undefined)
    for (let reloads = 0; reloads < 3; reloads++) await reload()
    // A circuit that is new here asks Redis while its first call passes.
    await ask(gateway)
    await vi.waitFor(async () => {
      const { status, headers } = await ask(gateway)
      expect([status, Number(headers['retry-after']) > 50]).toEqual([503, true])
    })
  })

  it('keeps what is spent, and leaves no connection behind', async () => {
    const claude = forThisTest(await startClaude())
    const { gateway, client, reload } = await gatewayAt((version) =>
      configOf(targetAt(claude, 'anthropic', timeouts(version)), undefined, {
        rateLimit: { requestsPerMinute: 10, maxWait: '50ms' },
        tenants: { rateLimit: { requestsPerMinute: 100 + version } },
      }),
    )
    const seen = async () => [
      String(await client.client('LIST')).match(/^id=/gm)?.length,
      ...((await client.pubsub('NUMSUB', 'spillway:breaker:openings')) as unknown[]).slice(1),
    ]
    for (let call = 0; call < 6; call++) expect((await ask(gateway)).status).toBe(200)
    const before = await seen()
    for (let reloads = 0; reloads < 20; reloads++) await reload()
    const statuses = []
    for (let call = 0; call < 6; call++) statuses.push((await ask(gateway)).status)
    expect(statuses).toEqual([200, 200, 200, 200, 429, 429])
    expect(await seen()).toEqual(before)
  })
})
