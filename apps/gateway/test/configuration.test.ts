import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startClaude } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { configReference } from '../reference/reference.ts'
import { ConfigError, parseConfig } from '../src/index.ts'
import { configOf, forThisTest, gatewayOf, ownKey, targetAt, temporaryFolder } from './gateway.ts'
import { messages, send } from './raw-client.ts'

const page = (): string => readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8')

describe('docs/configuration.md', () => {
  it('is what the schema says (else run `pnpm --filter @spillway/gateway run schema`)', () => {
    // The formatter lays tables out in its own way.
    const plain = (text: string): string => text.replace(/ {2,}/g, ' ').replace(/-{3,}/g, '---')
    expect(plain(page())).toBe(plain(configReference()))
  })

  it('says of each key what it is', () => {
    const rows = page().match(/^\| `.*$/gm) ?? []
    expect(rows.length).toBeGreaterThan(200)
    expect(rows.filter((row) => /\|\s*\|$/.test(row))).toEqual([])
  })
})

/** Each cap that a policy or the server has, with a value that is not the default. */
const everything = {
  server: {
    ...{
      maxRequestBytes: '1MiB',
      maxResponseBytes: '2MiB',
      headersTimeout: '7s',
      keepAliveTimeout: '11s',
      drainFor: '1s',
    },
    live: { maxClients: 1, maxWaiting: '64KiB', pingEvery: '2s' },
    http2: { maxConcurrentStreams: 10, resetBurst: 100, resetRate: 5 },
    trustProxy: ['10.0.0.0/8'],
    loadShedding: { maxInFlight: 50, maxEventLoopDelay: '1s', batchThreshold: 0.5, batchMinimum: 0 },
  },
  targets: {
    claude: {
      api: 'anthropic',
      endpoints: [
        {
          url: 'http://127.0.0.1:1',
          connections: 1,
          pool: { maxQueued: 0, maxWait: '1s', maxWaitWithFallback: '100ms', keepAliveTimeout: '5s' },
        },
        { url: 'http://127.0.0.1:2' },
      ],
      routing: {
        ...{ window: '20s', decay: '5s', maxRetryAfter: '1m' },
        affinity: { maxConversations: 10, boundedLoad: 2 },
        ejection: {
          ...{ consecutiveFailures: 3, failureRate: 0.4, latencyFactor: 4, minimumCalls: 5 },
          ...{ baseTime: '1s', maxTime: '9s', maxEjected: 0.3 },
        },
        keys: { baseTime: '2s', maxTime: '1m', maxCallers: 7 },
      },
    },
  },
  routes: [{ models: '*', target: 'claude', priority: 'batch' }],
  retry: { minDelay: '5ms', multiplier: 3, jitter: 'equal' },
  rateLimit: {
    ...{ concurrency: 5, maxQueued: 9, ageing: '3s', maxKeys: 100, maxRetryAfter: '5m' },
    priority: { 'claude-haiku-*': 9 },
    adaptiveConcurrency: { tolerance: 1.5, measureEvery: '30s' },
  },
  circuitBreaker: { probeTimeout: '20s', maxKeys: 50 },
  mirror: [{ from: 'claude', to: 'other', sample: 0.5, timeout: '1m', maxBytes: '2MiB' }],
  storage: {
    url: 'sqlite:spillway.db',
    retention: { calls: '90d', every: '10m' },
    writer: { maxBuffered: 5, maxRows: 2, maxWait: '10ms', maxJournalBytes: '1MiB', writeTimeout: '1s' },
    reads: { timeout: '3s', maxWaiting: 1 },
    postgres: { connections: 2, connectTimeout: '1s', statementTimeout: '5s' },
  },
  state: { prefix: 'a:', timeout: '100ms', recovery: '1s', lease: '9s', processes: 2 },
  telemetry: { exportEvery: '5s', maxContentLength: 100, conventions: 'latest', maxModels: 2 },
  vault: {
    ...{ file: 'vault.age', keyFile: 'vault.key', environment: 'staging' },
    cache: { keepFor: '1m', refreshAhead: '10s', checkEvery: '5s', grace: '1m' },
  },
}
const withOther = (): object => ({
  ...everything,
  targets: {
    ...everything.targets,
    other: {
      api: 'embedded',
      model: 'tiny.gguf',
      embedded: { maxQueued: 3, maxThreads: 1, gpu: false, thinkingTokens: 9 },
    },
  },
})

describe('caps and defaults of policies and of the server', () => {
  it('are reachable where what they belong to is configured', () => {
    const { config } = parseConfig(stringify(withOther()), 'spillway.yaml')
    expect(config.targets.claude?.routing?.ejection).toMatchObject({ baseTime: 1_000, maxEjected: 0.3 })
    expect(config.targets.claude?.endpoints?.[0]?.pool).toEqual({
      ...{ maxQueued: 0, maxWait: 1_000, maxWaitWithFallback: 100, keepAliveTimeout: 5_000 },
    })
    expect(config.storage?.writer).toMatchObject({ maxJournalBytes: 2 ** 20, maxWait: 10 })
    expect(config.server.live).toEqual({ maxClients: 1, maxWaiting: 65_536, pingEvery: 2_000 })
  })

  it('bring a gateway to life that answers', async () => {
    const claude = forThisTest(await startClaude())
    const { targets, mirror: _, vault: __, ...others } = everything
    const [first] = targets.claude.endpoints
    const endpoint = { url: claude.url, credential: ownKey.reference }
    const target = { ...targets.claude, endpoints: [{ ...first, ...endpoint }, endpoint] }
    const { url } = await gatewayOf({
      ...others,
      targets: { claude: target },
      storage: { ...others.storage, url: `sqlite:${join(temporaryFolder(), 'calls.db')}` },
    })
    expect((await send(`${url}/v1/messages`, { body: messages() })).status).toBe(200)
  })

  it.each<[string, object, string]>([
    [
      'server.live',
      { server: { live: { maxClients: 0 } } },
      'server.live.maxClients: expected a whole number above 0',
    ],
    [
      'server.live',
      { server: { live: { maxWaiting: '5B' } } },
      'server.live.maxWaiting: expected a number of bytes, .* at least 1KiB',
    ],
    [
      'server.loadShedding',
      { server: { loadShedding: { batchThreshold: 0 } } },
      'server.loadShedding.batchThreshold: expected a number above 0, up to 1',
    ],
    [
      'routes',
      { routes: [{ models: '*', target: 'claude', priority: 'low' }] },
      'routes\\[0\\].priority: expected interactive, batch, or a whole number from 0 \\(first\\) to 9 \\(last\\)',
    ],
    [
      'server',
      { server: { keepAliveTimeout: '0s' } },
      'server.keepAliveTimeout: expected a duration above 0',
    ],
    ['retry', { retry: { jitter: 'some' } }, 'retry.jitter: expected one of full, equal, decorrelated, none'],
    [
      'rateLimit',
      { rateLimit: { priority: { '*': 12 } } },
      'rateLimit.priority.\\*: expected a whole number from 0 .* to 9',
    ],
    [
      'routing',
      { routing: { ejection: { latencyFactor: 1 } } },
      'targets.claude.routing.ejection.latencyFactor: expected a number above 1',
    ],
    [
      'routing',
      { routing: { ejection: { failureRte: 1 } } },
      'targets.claude.routing.ejection.failureRte: unknown key',
    ],
    [
      'routing',
      { routing: { affinity: 'yes' } },
      'targets.claude.routing.affinity: expected true, false, or a mapping',
    ],
    ['embedded', { embedded: { gpu: 'amd' } }, 'targets.claude.embedded.gpu: expected false, auto, metal'],
    [
      'storage',
      { storage: { url: 'sqlite:a', reads: { maxWaiting: -1 } } },
      'storage.reads.maxWaiting: expected a whole number of 0 or more',
    ],
    [
      'telemetry',
      { telemetry: { conventions: 'old' } },
      'telemetry.conventions: expected published or latest',
    ],
    [
      'vault',
      { vault: { file: 'a', keyFile: 'b', cache: { checkEvery: '0s' } } },
      'vault.cache.checkEvery: expected a duration above 0',
    ],
  ])('are refused with the line where they are wrong: %s', (_, wrong, expected) => {
    const { routing, embedded, ...others } = wrong as Record<string, object>
    const target = {
      api: 'ollama',
      endpoints: [{ url: 'http://127.0.0.1:1' }],
      ...(routing && { routing }),
      ...(embedded && { embedded }),
    }
    const text = stringify({ ...configOf(target), ...others })
    const load = (): unknown => parseConfig(text, 'spillway.yaml')
    expect(load).toThrow(ConfigError)
    expect(load).toThrow(new RegExp(`^spillway\\.yaml:\\d+:\\d+ +${expected}`, 'm'))
    const line = Number(/spillway\.yaml:(\d+):/.exec(messageOf(load))?.[1])
    const key = expected.split(':')[0]?.split('.').at(-1)?.replace('\\*', '"*"') ?? ''
    expect(text.split('\n')[line - 1]).toContain(key)
  })
})

function messageOf(load: () => unknown): string {
  try {
    load()
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

describe('what they do', () => {
  const gatewayWith = async (server: object, more: object = {}, target: object = {}) => {
    const claude = forThisTest(await startClaude())
    const { url } = await gatewayOf(
      configOf(targetAt(claude, 'anthropic', target), undefined, { server, ...more }),
    )
    return { url, claude }
  }

  it('server.maxRequestBytes: a larger body is refused, with the key to change', async () => {
    const { url, claude } = await gatewayWith({ maxRequestBytes: '1MiB' })
    const { status, text } = await send(`${url}/v1/messages`, {
      body: messages({ system: 'x'.repeat(2 ** 20) }),
    })
    expect([status, JSON.parse(text).error.message]).toEqual([
      413,
      'the request exceeds 1048576 bytes (server.maxRequestBytes)',
    ])
    expect(claude.requests).toHaveLength(0)
  })

  it('server.maxResponseBytes: a larger answer is broken off', async () => {
    const { url } = await gatewayWith({ maxResponseBytes: '1MiB' })
    const large = forThisTest(await startClaude({ reply: { text: 'x'.repeat(2 ** 20) } }))
    const other = await gatewayOf(
      configOf(targetAt(large, 'anthropic'), undefined, { server: { maxResponseBytes: '1MiB' } }),
    )
    expect((await send(`${url}/v1/messages`, { body: messages() })).status).toBe(200)
    const { status, text } = await send(`${other.url}/v1/messages`, { body: messages() })
    expect([status, JSON.parse(text).error.message]).toEqual([502, 'the answer exceeds 1048576 bytes'])
  })

  it('server.keepAliveTimeout: how long clients may use a connection again', async () => {
    const { url } = await gatewayWith({ keepAliveTimeout: '11s' })
    const { headers } = await send(`${url}/healthz`, { method: 'GET', headers: { connection: 'keep-alive' } })
    expect(headers['keep-alive']).toBe('timeout=11')
  })

  it('server.live.maxClients: a further viewer is refused', async () => {
    const { url } = await gatewayWith({ live: { maxClients: 1 } })
    const first = await fetch(`${url}/api/live`)
    expect([first.status, (await fetch(`${url}/api/live`)).status]).toEqual([200, 503])
    await first.body?.cancel()
  })

  it('telemetry.maxModels: further models are counted together', async () => {
    const { url } = await gatewayWith({}, { telemetry: { maxModels: 1 } })
    for (const model of ['claude-one', 'claude-two'])
      await send(`${url}/v1/messages`, { body: messages({ model }) })
    const { text } = await send(`${url}/metrics`, { method: 'GET' })
    expect(text).toContain('claude-one')
    expect(text).toContain('_OTHER')
    expect(text).not.toContain('claude-two')
  })

  it('pool.maxQueued: a call that finds no connection is refused at once', async () => {
    const claude = forThisTest(await startClaude())
    claude.always({ type: 'slow-headers', ms: 1_000 })
    const endpoint = { url: claude.url, credential: ownKey.reference, connections: 1, pool: { maxQueued: 0 } }
    const { url } = await gatewayOf(configOf({ api: 'anthropic', endpoints: [endpoint] }))
    const hanging = send(`${url}/v1/messages`, { body: messages() })
    await expect.poll(() => claude.requests.length).toBe(1)
    const { status, text } = await send(`${url}/v1/messages`, { body: messages() })
    expect([status, text]).toEqual([expect.any(Number), expect.stringMatching(/connection/)])
    expect(claude.requests).toHaveLength(1)
    await hanging
  })
})
