import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { initAgeFile, openVault } from '@spillway/key-vault'
import {
  hasRedis,
  type SimulatedServer,
  startClaude,
  startOpenRouter,
  startRedis,
  startSlack,
} from '@spillway/testing'
import { generate } from 'selfsigned'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { stringify } from 'yaml'
import { run } from '../src/cli.ts'
import { type Gateway, parseConfig, startGateway } from '../src/index.ts'
import { type AlertReceiver, alertReceiver, variable } from './alert-receiver.ts'
import { configOf, forThisTest, targetAt, temporaryFolder } from './gateway.ts'
import { messages, send } from './raw-client.ts'

/** As soon as it is seen, and soon after it has ended. */
const atOnce = { after: '0s', quietFor: '200ms' }

const patience = { timeout: 15_000, interval: 20 }

const read = (config: object) => parseConfig(stringify(config), 'test.yaml').config

const ask = ({ url }: Gateway, more: object = {}) => send(`${url}/v1/messages`, { body: messages(more) })

/** A gateway with one receiver. */
async function watched(config: object, on?: readonly string[]) {
  const receiver = await alertReceiver()
  const log: string[] = []
  const withAlerts = (of: object) => read({ ...of, alerts: [{ ...receiver.config, ...atOnce, on }] })
  const options = { port: 0, stateFolder: null, log: (line: string) => void log.push(line) }
  const gateway = await startGateway(withAlerts(config), options)
  onTestFinished(() => gateway.close(0))
  return { gateway, receiver, log, reload: (of: object) => gateway.reload(withAlerts(of)) }
}

/** Waits until the receiver has been told of one incident of a kind, and of its end where that is asked for. */
async function told(receiver: AlertReceiver, kind: string, ...types: readonly string[]) {
  const found = () => receiver.alerts.filter(({ data }) => data.kind === kind)
  await vi.waitFor(
    () => expect(found().map(({ type }) => type)).toEqual(types.map((type) => `incident.${type}`)),
    patience,
  )
  expect(receiver.refused).toEqual([])
  expect(new Set(receiver.ids).size).toBe(receiver.ids.length)
  return found()
}

describe('a webhook is told once, and of the end', () => {
  it('of a circuit that opens, and of a route that nobody answers', async () => {
    const claude = forThisTest(await startClaude())
    const { gateway, receiver } = await watched(
      configOf(targetAt(claude, 'anthropic'), undefined, {
        circuitBreaker: { minimumCalls: 3, openFor: '300ms', halfOpenProbes: 1 },
      }),
    )
    claude.always({ type: 'status', status: 529 })
    for (let call = 0; call < 4; call++) await ask(gateway)
    await told(receiver, 'circuit_open', 'opened')
    await told(receiver, 'route_down', 'opened')
    claude.always(undefined)
    await vi.waitFor(async () => expect((await ask(gateway)).status).toBe(200), patience)
    const [opened, resolved] = await told(receiver, 'circuit_open', 'opened', 'resolved')
    const [down] = await told(receiver, 'route_down', 'opened', 'resolved')
    expect(opened?.data).toMatchObject({
      ...{ severity: 'critical', subject: 'claude/1' },
      message: expect.stringMatching(/^the circuit of claude-sonnet-5-5 is open \(/),
    })
    expect(down?.data).toMatchObject({ subject: '*', message: expect.stringContaining('no target answers') })
    expect(resolved?.data).toMatchObject({ id: opened?.data.id, openedAt: opened?.data.openedAt })
    expect(resolved?.data.durationSeconds).toBeGreaterThanOrEqual(0)
  })

  it('of a key that is refused, and of no route that a fallback answers', async () => {
    const claude = forThisTest(await startClaude())
    const local = forThisTest(await startClaude())
    const { gateway, receiver } = await watched(
      configOf(targetAt(claude, 'anthropic'), targetAt(local, 'anthropic'), {
        circuitBreaker: { minimumCalls: 3, openFor: '300ms', halfOpenProbes: 1 },
      }),
    )
    claude.always({ type: 'status', status: 401 })
    for (let call = 0; call < 5; call++) expect((await ask(gateway)).status).toBe(200)
    const [alert] = await told(receiver, 'key_refused', 'opened')
    expect(alert?.data).toMatchObject({ subject: 'claude/1', severity: 'critical' })
    claude.always(undefined)
    await vi.waitFor(async () => {
      const { headers } = await ask(gateway)
      expect(headers['x-spillway-served-by']).toBe('claude')
    }, patience)
    await told(receiver, 'key_refused', 'opened', 'resolved')
    await told(receiver, 'route_down')
  })

  it('of a limit of the vendor, where it asks for that', async () => {
    const claude = forThisTest(await startClaude())
    const { gateway, receiver } = await watched(
      configOf(targetAt(claude, 'anthropic'), undefined, { rateLimit: { requestsPerMinute: 100 } }),
      ['limit_closed'],
    )
    claude.next({ type: 'status', status: 429, headers: { 'retry-after': '1' } })
    await ask(gateway)
    await told(receiver, 'limit_closed', 'opened', 'resolved')
  })

  it('of a database that is away', async () => {
    const claude = forThisTest(await startClaude())
    const folder = temporaryFolder()
    const missing = join(folder, 'missing')
    const { gateway, receiver } = await watched(
      configOf(targetAt(claude, 'anthropic'), undefined, {
        storage: { url: `sqlite:${join(missing, 'spillway.db')}`, journal: join(folder, 'journal') },
      }),
    )
    await ask(gateway)
    const [alert] = await told(receiver, 'ledger', 'opened')
    expect(alert?.data).toMatchObject({ subject: 'storage', severity: 'critical' })
    await told(receiver, 'audit', 'opened')
    mkdirSync(missing)
    await told(receiver, 'ledger', 'opened', 'resolved')
    await told(receiver, 'audit', 'opened', 'resolved')
  })

  it('of a vault that cannot be read, though its own address is in there', async () => {
    const claude = forThisTest(await startClaude())
    const receiver = await alertReceiver()
    const folder = temporaryFolder()
    const files = { path: join(folder, 'vault.age'), keyFile: join(folder, 'vault.key') }
    const vault = openVault({ driver: await initAgeFile(files) })
    await vault.add('claude', 'sk-of-the-vault')
    await vault.add('address', receiver.url)
    await vault.add('signing', receiver.secret)
    await vault.close()
    const target = { api: 'anthropic', endpoints: [{ url: claude.url, credential: 'vault:claude' }] }
    const config = read({
      ...configOf(target),
      vault: { file: files.path, keyFile: files.keyFile, cache: { keepFor: '50ms', grace: '100ms' } },
      alerts: [{ to: 'webhook', url: 'vault:address', secret: 'vault:signing', ...atOnce }],
      circuitBreaker: { minimumCalls: 3, openFor: '300ms', halfOpenProbes: 1 },
    })
    const gateway = await startGateway(config, { port: 0, stateFolder: null, log: () => {} })
    onTestFinished(() => gateway.close(0))
    // Something else is told first, so that the address is known.
    claude.always({ type: 'status', status: 529 })
    for (let call = 0; call < 4; call++) await ask(gateway)
    await told(receiver, 'circuit_open', 'opened')
    cpSync(files.path, join(folder, 'kept'))
    writeFileSync(files.path, 'no vault')
    await vi.waitFor(async () => {
      await gateway.reload(config)
      expect((await send(`${gateway.url}/readyz`, { method: 'GET' })).text).not.toContain('"vault":"ok"')
    }, patience)
    await told(receiver, 'vault', 'opened')
    cpSync(join(folder, 'kept'), files.path)
    await vi.waitFor(async () => {
      await gateway.reload(config)
      expect((await send(`${gateway.url}/readyz`, { method: 'GET' })).text).toContain('"vault":"ok"')
    }, patience)
    await told(receiver, 'vault', 'opened', 'resolved')
  })

  it('of a price that is not known, until a call has one', async () => {
    const claude = forThisTest(await startClaude())
    const config = (prices?: object[]) => configOf(targetAt(claude, 'anthropic', { prices }))
    const { gateway, receiver, reload } = await watched(config())
    await ask(gateway, { model: 'claude-nobody-knows' })
    const [alert] = await told(receiver, 'price_unknown', 'opened')
    expect(alert?.data).toMatchObject({
      ...{ subject: 'claude', severity: 'warning' },
      message: expect.stringContaining('claude-nobody-knows'),
    })
    await reload(config([{ models: ['claude-nobody-knows'], input: 1, output: 5 }]))
    await ask(gateway, { model: 'claude-nobody-knows' })
    await told(receiver, 'price_unknown', 'opened', 'resolved')
  })

  it('of a budget at 80 % and at 100 %, until it is raised', async () => {
    const claude = forThisTest(await startClaude())
    const config = (most: number) =>
      configOf(targetAt(claude, 'anthropic'), undefined, { budgets: { all: [`requests=${most}/month`] } })
    const { gateway, receiver, reload } = await watched(config(5), ['budget'])
    for (let call = 0; call < 4; call++) expect((await ask(gateway)).status).toBe(200)
    const [warning] = await told(receiver, 'budget', 'opened')
    expect(warning?.data).toMatchObject({
      ...{ severity: 'warning', subject: 'all clients: requests a month' },
      message: expect.stringMatching(
        /^4 requests of 5 requests a month \(80 %\) are used; it begins again at /,
      ),
    })
    await ask(gateway)
    const [, spent] = await told(receiver, 'budget', 'opened', 'opened')
    expect(spent?.data).toMatchObject({
      severity: 'critical',
      message: expect.stringMatching(/^5 requests of .* are used; calls are refused until /),
    })
    await reload(config(100))
    expect((await ask(gateway)).status).toBe(200)
    await told(receiver, 'budget', 'opened', 'opened', 'resolved', 'resolved')
  })

  it('of a certificate that is about to expire', async () => {
    const claude = forThisTest(await startClaude())
    const folder = temporaryFolder()
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    const write = async (days: number) => {
      const notAfterDate = new Date(Date.now() + days * 86_400_000)
      const made = await generate([{ name: 'commonName', value: 'gateway' }], { keyType: 'ec', notAfterDate })
      writeFileSync(cert, made.cert)
      writeFileSync(key, made.private)
    }
    const target = (idle: string) => ({
      api: 'anthropic',
      endpoints: [{ url: claude.url, credential: 'env:SPILLWAY_TEST_KEY', tls: { cert, key } }],
      timeouts: { idle },
    })
    await write(10)
    const { receiver, reload } = await watched(configOf(target('30s')))
    const [alert] = await told(receiver, 'certificate', 'opened')
    expect(alert?.data).toMatchObject({ subject: 'claude/1', severity: 'warning' })
    await write(90)
    await reload(configOf(target('31s')))
    await told(receiver, 'certificate', 'opened', 'resolved')
  })

  it.each([
    {
      vendor: 'Anthropic',
      api: 'anthropic',
      start: () =>
        startClaude({
          models: ['claude-old', 'claude-older'],
          lifecycles: Object.fromEntries(
            ['claude-old', 'claude-older'].map((id) => [
              id,
              {
                lifecycle: 'deprecated',
                deprecated_at: '2099-01-01T00:00:00Z',
                retires_at: '2099-04-01T00:00:00Z',
              },
            ]),
          ),
        }),
    },
    {
      vendor: 'OpenRouter',
      api: 'openrouter',
      start: () =>
        startOpenRouter({
          models: ['claude-old', 'claude-older'],
          expirations: { 'claude-old': '2099-04-01', 'claude-older': '2099-04-01' },
        }),
    },
  ])('of a model that $vendor is about to retire, where it is used', async ({ api, start }) => {
    const server: SimulatedServer = forThisTest(await start())
    const { gateway, receiver, reload } = await watched(configOf(targetAt(server, api)))
    await ask(gateway, { model: 'claude-old' })
    const [alert] = await told(receiver, 'model_retiring', 'opened')
    expect(alert?.data).toMatchObject({
      ...{ subject: 'claude/claude-old', severity: 'warning' },
      message: 'claude-old is about to retire on 2099-04-01: ask for another model by then',
    })
    const other = forThisTest(await startClaude())
    await reload({
      ...configOf(targetAt(other, 'anthropic')),
      targets: { other: targetAt(other, 'anthropic') },
      routes: [{ models: '*', target: 'other' }],
    })
    await told(receiver, 'model_retiring', 'opened', 'resolved')
  })

  it('of another receiver that takes no alerts', async () => {
    const claude = forThisTest(await startClaude())
    const [broken, well] = [await alertReceiver(), await alertReceiver()]
    broken.answer((res) => res.writeHead(500).end('secret of the receiver'))
    const log: string[] = []
    const config = read({
      ...configOf(targetAt(claude, 'anthropic')),
      alerts: [
        { name: 'broken', ...broken.config, ...atOnce, on: ['price_unknown', 'alerts'] },
        { name: 'well', ...well.config, ...atOnce, on: ['alerts'] },
      ],
    })
    const gateway = await startGateway(config, { port: 0, stateFolder: null, log: (line) => log.push(line) })
    onTestFinished(() => gateway.close(0))
    await ask(gateway, { model: 'claude-nobody-knows' })
    const [alert] = await told(well, 'alerts', 'opened')
    expect(alert?.data).toMatchObject({ subject: 'broken', message: 'alerts are not delivered: HTTP 500' })
    expect(log).toContainEqual(expect.stringContaining('alerts are not delivered to broken (HTTP 500)'))
    const ready = (await send(`${gateway.url}/readyz`, { method: 'GET' })).text
    expect(JSON.parse(ready)).toMatchObject({ status: 'ok', alerts: 'broken (HTTP 500)' })
    const { text } = await send(`${gateway.url}/metrics`, { method: 'GET' })
    expect(text).toMatch(/^spillway_alerts_total\{.*receiver="broken".*result="failed".*\} 1$/m)
    expect(text).toMatch(/^spillway_alerts_waiting\{.*receiver="broken".*\} 1$/m)
    expect(JSON.stringify([log, ready, text])).not.toContain('secret of the receiver')
    broken.answer(undefined)
    await told(broken, 'price_unknown', 'opened')
    await told(well, 'alerts', 'opened', 'resolved')
    // The first wait of a receiver that fails.
  }, 30_000)
})

it('spillway alerts test sends a sample, and says what came back', async () => {
  const slack = forThisTest(await startSlack())
  const receiver = await alertReceiver()
  const file = join(temporaryFolder(), 'spillway.yaml')
  const alerts = [
    { ...receiver.config, name: 'pager' },
    { to: 'slack', url: variable(slack.url) },
  ]
  writeFileSync(
    file,
    stringify({ ...configOf({ api: 'ollama', endpoints: [{ url: 'http://127.0.0.1:1' }] }), alerts }),
  )
  const lines: string[] = []
  const print = (line: string) => void lines.push(line)
  const spies = [
    vi.spyOn(console, 'log').mockImplementation(print),
    vi.spyOn(console, 'error').mockImplementation(print),
  ]
  onTestFinished(() => {
    for (const spy of spies) spy.mockRestore()
    process.exitCode = undefined
  })
  const command = ['node', 'spillway', 'alerts', 'test', '--config', file]
  await run(command)
  expect(lines).toEqual([
    expect.stringMatching(/^ok {2}pager \(webhook\) {2}HTTP 204 in \d+ ms$/),
    expect.stringMatching(/^ok {2}slack-2 \(slack\) {2}HTTP 200 in \d+ ms$/),
  ])
  expect(process.exitCode).toBeUndefined()
  expect(receiver.alerts).toMatchObject([{ type: 'incident.opened', data: { kind: 'test' } }])
  expect(slack.messages[0]?.text).toBe('Spillway: Test spillway')
  slack.fail('no_service')
  await run([...command, '--to', 'slack-2'])
  expect(lines[2]).toBe(
    'FAILED  slack-2 (slack)  HTTP 404 no_service: the webhook was removed or disabled: make another one',
  )
  expect(process.exitCode).toBe(1)
  await run([...command, '--to', 'nobody'])
  expect(lines[3]).toBe('there is no receiver nobody; there are pager, slack-2')
  expect(lines.join()).not.toContain(slack.url)
})

const canRun = hasRedis()

it.runIf(process.env.CI)('redis-server is installed', () => expect(canRun).toBe(true))

describe.skipIf(!canRun)('three gateways with one Redis', { timeout: 40_000 }, () => {
  async function three(more: object = {}) {
    const redis = forThisTest(await startRedis())
    const claude = forThisTest(await startClaude())
    const receiver = await alertReceiver()
    const config = read({
      ...configOf(targetAt(claude, 'anthropic')),
      circuitBreaker: { minimumCalls: 3, openFor: '400ms', halfOpenProbes: 1 },
      state: { redis: redis.url, timeout: '100ms' },
      // Longer than a busy machine lets a gateway wait until it looks again.
      alerts: [{ ...receiver.config, ...atOnce, quietFor: '2s', ...more }],
    })
    const start = async () => {
      const gateway = await startGateway(config, { port: 0, stateFolder: null, log: () => {} })
      onTestFinished(() => gateway.close(0))
      return gateway
    }
    return { redis, claude, receiver, gateways: await Promise.all([start(), start(), start()]) }
  }

  it('tell of an incident that all of them see once, and of its end when the last one is well', async () => {
    const { claude, receiver, gateways } = await three({
      on: ['circuit_open', 'price_unknown', 'route_down'],
    })
    claude.always({ type: 'status', status: 529 })
    await Promise.all(
      gateways.map(async (gateway) => {
        for (let call = 0; call < 4; call++) await ask(gateway)
      }),
    )
    await told(receiver, 'circuit_open', 'opened')
    await told(receiver, 'route_down', 'opened')
    claude.always(undefined)
    const [first, ...others] = gateways
    const isWell = (gateway: Gateway) =>
      vi.waitFor(async () => expect((await ask(gateway)).status).toBe(200), patience)
    await isWell(first as Gateway)
    await new Promise((resolve) => setTimeout(resolve, 500))
    await told(receiver, 'route_down', 'opened')
    await Promise.all(others.map(isWell))
    await told(receiver, 'route_down', 'opened', 'resolved')
    await told(receiver, 'circuit_open', 'opened', 'resolved')
  })

  it('tell each by itself that Redis is away', async () => {
    const { redis, receiver } = await three({ on: ['redis'] })
    await redis.stop()
    await told(receiver, 'redis', 'opened', 'opened', 'opened')
    await redis.start()
    await vi.waitFor(() => {
      const resolved = receiver.alerts.filter(({ type }) => type === 'incident.resolved')
      expect(resolved).toHaveLength(3)
    }, patience)
    expect(new Set(receiver.alerts.map(({ data }) => data.id)).size).toBe(3)
  })
})
