import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { initAgeFile, openVault } from '@spillway/key-vault'
import {
  hasRedis,
  type ModelLifecycle,
  type PrivateRedis,
  type SimulatedServer,
  startClaude,
  startRedis,
} from '@spillway/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { stringify } from 'yaml'
import { certificateFor } from '../../../packages/core-client/test/certificate.ts'
import { type PrivatePostgres, privatePostgres } from '../../../packages/ledger/test/private-postgres.ts'
import type { IncidentKind } from '../src/alerts/incident.ts'
import { type Gateway, parseConfig, startGateway } from '../src/index.ts'
import { type AlertReceiver, alertReceiver } from './alert-receiver.ts'
import { configOf, forThisTest, targetAt, temporaryFolder } from './gateway.ts'
import { messages, openSocket, requestText, send } from './raw-client.ts'

// Every kind of alert, by a fault that causes it, at two gateways that share Redis: told once, and of its end once.

let redis: PrivateRedis
let postgres: PrivatePostgres

beforeAll(async () => {
  redis = await startRedis()
  postgres = (await privatePostgres()) as PrivatePostgres
})
// What a test that fails has left.
afterEach(async () => {
  await redis?.start()
})
afterAll(async () => {
  await redis?.close()
  await postgres?.close()
})

const patience = { timeout: 20_000, interval: 20 }
const circuitBreaker = { minimumCalls: 3, openFor: '300ms', halfOpenProbes: 1 }

interface Pair {
  readonly claude: SimulatedServer
  readonly folder: string
  readonly gateways: readonly Gateway[]
  readonly receiver: AlertReceiver
  /** Both go on with this instead of what the fault has configured. */
  reload(more: object): Promise<void>
  /** Both end, and start again. */
  restart(): Promise<void>
}

/** What causes an alert at gateways, and what ends it. */
interface Fault {
  /** More of the configuration. */
  readonly config?: (place: {
    readonly claude: SimulatedServer
    readonly folder: string
  }) => object | Promise<object>
  readonly cause: (pair: Pair) => Promise<unknown>
  readonly mend: (pair: Pair) => Promise<unknown>
  /** How often it is told that something has begun, and that it is over: 1, where it does not become more urgent. */
  readonly times?: number
}

const ask = ({ url }: Gateway, more: object = {}, headers: Record<string, string> = {}) =>
  send(`${url}/v1/messages`, { body: messages(more), headers })

/** The same call at each gateway, so many times. */
async function askBoth({ gateways }: Pair, times = 1, more: object = {}): Promise<void> {
  for (const gateway of gateways) for (let call = 0; call < times; call++) await ask(gateway, more)
}

/** Until both gateways answer. */
async function answered({ gateways }: Pair): Promise<void> {
  for (const gateway of gateways)
    await vi.waitFor(async () => expect((await ask(gateway)).status).toBe(200), patience)
}

const refusing = (status: number, times: number): Pick<Fault, 'cause' | 'mend'> => ({
  async cause(pair) {
    pair.claude.always({ type: 'status', status })
    await askBoth(pair, times)
  },
  async mend(pair) {
    pair.claude.always(undefined)
    await answered(pair)
  },
})

/** Rows are written to a database that is stopped and started again. */
const ofDatabase = (): Fault => ({
  config: ({ folder }) => ({ storage: { url: postgres.url, journal: join(folder, 'journal') } }),
  async cause(pair) {
    await askBoth(pair)
    await postgres.stop()
    await askBoth(pair)
  },
  async mend(pair) {
    await postgres.start()
    await askBoth(pair)
  },
})

const vaultIn = (folder: string) => ({ path: join(folder, 'vault.age'), keyFile: join(folder, 'vault.key') })

/** Each gateway has its key from a vault in a file. */
const withVault = async ({
  claude,
  folder,
}: {
  claude: SimulatedServer
  folder: string
}): Promise<object> => {
  const files = vaultIn(folder)
  const vault = openVault({ driver: await initAgeFile(files) })
  await vault.add('claude', 'sk-of-the-vault')
  await vault.close()
  const endpoints = [{ url: claude.url, credential: 'vault:claude' }]
  return {
    targets: { claude: { api: 'anthropic', endpoints } },
    vault: { file: files.path, keyFile: files.keyFile, cache: { keepFor: '50ms', grace: '100ms' } },
  }
}

async function certificateOf({ folder }: { folder: string }, days: number): Promise<object> {
  const made = await certificateFor('localhost', { days })
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  writeFileSync(files.cert, made.cert)
  writeFileSync(files.key, made.key)
  return { server: { tls: files, loadShedding: { maxEventLoopDelay: 'none' } } }
}

const faults: Readonly<Record<IncidentKind, Fault>> = {
  circuit_open: { config: () => ({ circuitBreaker }), ...refusing(529, 4) },
  key_refused: { config: () => ({ circuitBreaker }), ...refusing(401, 4) },
  route_down: { config: () => ({ circuitBreaker: { enabled: false } }), ...refusing(500, 3) },
  limit_closed: {
    config: () => ({ rateLimit: { requestsPerMinute: 100 } }),
    async cause(pair) {
      pair.claude.next({ type: 'status', status: 429, headers: { 'retry-after': '2' } })
      await askBoth(pair)
    },
    mend: async () => {},
  },
  endpoint_ejected: {
    async config({ claude }) {
      const other = forThisTest(await startClaude())
      other.always({ type: 'status', status: 500 })
      const endpoints = [claude, other].map(({ url }) => ({ url, credential: 'env:SPILLWAY_TEST_KEY' }))
      const routing = { ejection: { consecutiveFailures: 2, baseTime: '1s', maxTime: '1s' } }
      return {
        targets: { claude: { api: 'anthropic', endpoints, routing } },
        circuitBreaker: { enabled: false },
      }
    },
    cause: (pair) => askBoth(pair, 12),
    // It is tried again when its time is over, and nobody calls.
    mend: async () => {},
  },
  budget: {
    config: () => ({ budgets: { all: ['requests=5/month'] } }),
    async cause(pair) {
      await askBoth(pair, 2)
      await told(pair.receiver, 'budget', 'opened')
      await askBoth(pair)
    },
    async mend(pair) {
      await pair.reload({ budgets: { all: ['requests=100/month'] } })
      await answered(pair)
    },
    times: 2,
  },
  ledger: ofDatabase(),
  audit: ofDatabase(),
  rows_lost: {
    config: ({ folder }) => ({
      storage: { url: postgres.url, journal: join(folder, 'journal'), writer: { maxBuffered: 5 } },
    }),
    async cause(pair) {
      await askBoth(pair)
      await postgres.stop()
      // The disk is gone: where a file is no folder can be. What waits in memory is lost when it is full.
      const journal = join(pair.folder, 'journal')
      rmSync(journal, { recursive: true, force: true })
      writeFileSync(journal, '')
      await vi.waitFor(async () => {
        await askBoth(pair, 3)
        for (const { url } of pair.gateways)
          expect((await send(`${url}/readyz`, { method: 'GET' })).text).toContain('"lost":')
      }, patience)
    },
    async mend(pair) {
      await postgres.start()
      rmSync(join(pair.folder, 'journal'))
      await pair.restart()
    },
  },
  vault: {
    config: withVault,
    async cause(pair) {
      const { path } = vaultIn(pair.folder)
      await askBoth(pair)
      cpSync(path, `${path}.kept`)
      writeFileSync(path, 'no vault')
      await pair.reload({})
    },
    async mend(pair) {
      const { path } = vaultIn(pair.folder)
      cpSync(`${path}.kept`, path)
      await pair.reload({})
    },
  },
  credential: {
    config: withVault,
    async cause(pair) {
      const { path } = vaultIn(pair.folder)
      cpSync(path, `${path}.kept`)
      const vault = openVault({ driver: (await import('@spillway/key-vault')).ageFile(vaultIn(pair.folder)) })
      await vault.revoke('claude', 1)
      await vault.close()
      await pair.reload({})
    },
    async mend(pair) {
      const vault = openVault({ driver: (await import('@spillway/key-vault')).ageFile(vaultIn(pair.folder)) })
      await vault.add('claude', 'sk-of-the-vault-again')
      await vault.close()
      await pair.reload({})
    },
  },
  price_unknown: {
    cause: (pair) => askBoth(pair, 1, { model: 'claude-nobody-knows' }),
    async mend(pair) {
      const prices = [{ models: ['claude-nobody-knows'], input: 1, output: 5 }]
      await pair.reload({ targets: { claude: targetAt(pair.claude, 'anthropic', { prices }) } })
      await askBoth(pair, 1, { model: 'claude-nobody-knows' })
    },
  },
  certificate: {
    // Within 14 days, and within 3.
    config: (place) => certificateOf(place, 2),
    cause: async () => {},
    mend: async (pair) => pair.reload(await certificateOf(pair, 90)),
    times: 2,
  },
  model_retiring: {
    async config() {
      const old: ModelLifecycle = {
        lifecycle: 'deprecated',
        deprecated_at: '2099-01-01T00:00:00Z',
        retires_at: '2099-04-01T00:00:00Z',
      }
      const vendor = forThisTest(
        await startClaude({ models: ['claude-old'], lifecycles: { 'claude-old': old } }),
      )
      return { targets: { claude: targetAt(vendor, 'anthropic') } }
    },
    cause: (pair) => askBoth(pair, 1, { model: 'claude-old' }),
    mend: (pair) =>
      pair.reload({
        targets: { other: targetAt(pair.claude, 'anthropic') },
        routes: [{ models: '*', target: 'other' }],
      }),
  },
  load_shedding: {
    config: () => ({
      server: { loadShedding: { maxInFlight: 10, batchMinimum: 0, maxEventLoopDelay: 'none' } },
    }),
    async cause({ claude, gateways }) {
      claude.always({ type: 'stall', afterChunks: 1, ms: 60_000 })
      const text = requestText('/v1/messages', messages({ stream: true }))
      for (const { url } of gateways) {
        const calls = await Promise.all(Array.from({ length: 9 }, () => openSocket(url, text)))
        held.push(...calls.map(({ socket }) => socket))
        await vi.waitFor(
          () => expect(calls.every(({ received }) => received().includes('content_block_delta'))).toBe(true),
          patience,
        )
        const { status } = await send(`${url}/v1/messages`, {
          ...{ body: messages(), headers: { 'x-spillway-priority': 'batch' } },
        })
        expect(status).toBe(529)
      }
    },
    async mend(pair) {
      for (const socket of held.splice(0)) socket.destroy()
      pair.claude.always(undefined)
      await answered(pair)
    },
  },
  alerts: {
    async config() {
      broken = await alertReceiver()
      broken.answer((res) => res.writeHead(500).end())
      return { more: { name: 'broken', ...broken.config, after: '0s', on: ['price_unknown'] } }
    },
    cause: (pair) => askBoth(pair, 1, { model: 'claude-nobody-knows' }),
    mend: async () => broken?.answer(undefined),
  },
  redis: {
    // It cannot be agreed on in Redis.
    times: 2,
    async cause(pair) {
      await redis.stop()
      await askBoth(pair)
    },
    async mend(pair) {
      await redis.start()
      await answered(pair)
    },
  },
}

const held: { destroy(): unknown }[] = []
let broken: AlertReceiver | undefined
let prefixes = 0

async function pairFor(kind: IncidentKind): Promise<Pair> {
  const claude = forThisTest(await startClaude())
  const folder = temporaryFolder()
  const receiver = await alertReceiver()
  const { more, ...caused } = ((await faults[kind].config?.({ claude, folder })) ?? {}) as {
    more?: object
  }
  const alerts = [
    { name: 'ops', ...receiver.config, on: [kind], after: '0s', quietFor: '1s' },
    ...(more === undefined ? [] : [more]),
  ]
  const state = { redis: redis.url, timeout: '500ms', prefix: `test-${++prefixes}:` }
  const configWith = (changes: object) =>
    parseConfig(
      stringify({ ...configOf(targetAt(claude, 'anthropic')), ...caused, ...changes, alerts, state }),
      'test.yaml',
    ).config
  const start = () => startGateway(configWith({}), { port: 0, stateFolder: null, log: () => {} })
  let gateways = await Promise.all([start(), start()])
  onTestFinished(() => Promise.all(gateways.map((each) => each.close(0))).then(() => {}))
  return {
    ...{ claude, folder, receiver },
    get gateways() {
      return gateways
    },
    async reload(changes) {
      for (const each of gateways) await each.reload(configWith(changes))
    },
    async restart() {
      await Promise.all(gateways.map((each) => each.close(0)))
      gateways = await Promise.all([start(), start()])
    },
  }
}

/** Waits until the receiver has been told so. */
async function told(receiver: AlertReceiver, kind: string, ...types: readonly string[]): Promise<void> {
  await vi.waitFor(
    () =>
      expect(receiver.alerts.map(({ type, data }) => [data.kind, type])).toEqual(
        types.map((type) => [kind, `incident.${type}`]),
      ),
    patience,
  )
}

const canRun = hasRedis()

it.runIf(process.env.CI)('redis-server is installed', () => expect(canRun).toBe(true))

describe.skipIf(!canRun)('two gateways tell a webhook once, and of the end once', { timeout: 60_000 }, () => {
  it.each(Object.entries(faults))('%s', async (kind, { cause, mend, times = 1 }) => {
    const pair = await pairFor(kind as IncidentKind)
    const { receiver } = pair
    const opened = Array.from({ length: times }, () => 'opened')
    await cause(pair)
    await told(receiver, kind, ...opened)
    await mend(pair)
    await told(receiver, kind, ...opened, ...opened.map(() => 'resolved'))
    expect(receiver.refused).toEqual([])
    expect(new Set(receiver.ids).size).toBe(receiver.ids.length)
    const ids = receiver.alerts.map(({ data }) => data.id)
    expect(new Set(ids).size).toBe(times)
  })
})
