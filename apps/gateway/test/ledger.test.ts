import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Worker } from 'node:worker_threads'
import { openLedgerStore, verifyAudit } from '@spillway/ledger'
import { startClaude } from '@spillway/testing'
import { expect, it, onTestFinished, vi } from 'vitest'
import { run } from '../src/cli.ts'
import { parseConfig, startGateway } from '../src/index.ts'
import {
  configOf,
  embeddedTarget,
  forThisTest,
  gatewayOf,
  ownKey,
  targetAt,
  temporaryFolder,
} from './gateway.ts'
import { messages, openSocket, requestText, send } from './raw-client.ts'

const always = { from: 0, to: Number.MAX_SAFE_INTEGER }

const ready = async (url: string): Promise<unknown> =>
  JSON.parse((await send(`${url}/readyz`, { method: 'GET' })).text)

it('books calls and attempts with who was asked, and what it cost', async () => {
  const claude = forThisTest(await startClaude())
  const file = join(temporaryFolder(), 'ledger.db')
  const gateway = await gatewayOf(
    configOf(targetAt(claude, 'anthropic'), embeddedTarget({ reply: 'Plan B' }), {
      storage: { url: `sqlite:${file}` },
    }),
  )
  await send(`${gateway.url}/v1/messages`, { body: messages() })
  claude.next({ type: 'status', status: 529 })
  await send(`${gateway.url}/v1/messages`, { body: messages() })
  expect(await ready(gateway.url)).toEqual({ status: 'ok', ledger: 'ok' })
  await gateway.close(0)

  const store = forThisTest(openLedgerStore(`sqlite:${file}`))
  expect(await store.countCalls(always)).toBe(2)
  const byRole = await store.totals('role', always)
  expect(byRole.map(({ key, attempts }) => [key, attempts])).toEqual([
    ['fallback', 1],
    ['primary', 2],
  ])
  expect(Number(byRole[1]?.costNano)).toBeGreaterThan(0)
  const byTarget = await store.totals('target', always)
  expect(byTarget.map(({ key }) => key)).toEqual(['claude', 'local'])
})

it('in memory, makes no thread for rows that no one can read any more', async () => {
  const made: Worker[] = []
  const note = (worker: Worker): unknown => made.push(worker)
  process.on('worker', note)
  onTestFinished(() => void process.off('worker', note))
  const claude = forThisTest(await startClaude())
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
  claude.always({ type: 'stall', afterChunks: 1, ms: 60_000 })
  const stream = requestText('/v1/messages', messages({ stream: true }))
  const { received, closed } = await openSocket(gateway.url, stream)
  await expect.poll(received).toContain('content_block_delta')
  // The call ends, and is booked, as the gateway closes.
  await gateway.close(0)
  await closed
  expect(made).toHaveLength(0)
})

it('tells a hedge from a first attempt', async () => {
  const slow = forThisTest(await startClaude())
  slow.always({ type: 'slow-first-token', ms: 400 })
  const file = join(temporaryFolder(), 'ledger.db')
  const endpoint = { url: slow.url, credential: ownKey.reference }
  const gateway = await gatewayOf({
    targets: {
      claude: {
        api: 'anthropic',
        endpoints: [endpoint, endpoint],
        routing: { hedge: { after: '20ms', maxExtra: 1 } },
      },
    },
    routes: [{ models: '*', target: 'claude' }],
    storage: { url: `sqlite:${file}` },
  })
  await send(`${gateway.url}/v1/messages`, { body: messages({ stream: true }) })
  await gateway.close(1000)
  const store = forThisTest(openLedgerStore(`sqlite:${file}`))
  const byRole = await store.totals('role', always)
  expect(byRole.map(({ key, attempts }) => [key, attempts])).toEqual([
    ['hedge', 1],
    ['primary', 1],
  ])
})

it('keeps rows in a journal while the database is away, in memory while the disk is too, and says so', async () => {
  const claude = forThisTest(await startClaude())
  const folder = temporaryFolder()
  const missing = join(folder, 'missing')
  const file = join(missing, 'ledger.db')
  const journal = join(folder, 'journal')
  const gateway = await gatewayOf(
    configOf(targetAt(claude, 'anthropic'), undefined, { storage: { url: `sqlite:${file}`, journal } }),
  )
  rmSync(journal, { recursive: true })
  writeFileSync(journal, 'no folder')
  await send(`${gateway.url}/v1/messages`, { body: messages() })
  await vi.waitFor(
    async () => expect(await ready(gateway.url)).toEqual({ status: 'ok', ledger: 'memory', audit: 'memory' }),
    10_000,
  )
  rmSync(journal)
  mkdirSync(journal)
  await vi.waitFor(
    async () =>
      expect(await ready(gateway.url)).toEqual({ status: 'ok', ledger: 'journal', audit: 'journal' }),
    10_000,
  )
  await vi.waitFor(() => {
    const waiting = readdirSync(journal, { recursive: true }).map(String)
    expect(waiting.filter((name) => /^[^/]+\.owner\/[^/]+\.jsonl$/.test(name))).toHaveLength(1)
    expect(waiting).toContainEqual(expect.stringMatching(/^audit.+\.jsonl$/))
  }, 5000)
  mkdirSync(missing)
  await vi.waitFor(
    async () => expect(await ready(gateway.url)).toEqual({ status: 'ok', ledger: 'ok' }),
    10_000,
  )
  await gateway.close(0)
  const store = forThisTest(openLedgerStore(`sqlite:${file}`))
  expect(await store.countCalls(always)).toBe(1)
  const entries = (await store.audit.read(0, 10)).map(({ entry }) => JSON.parse(entry).action)
  expect(entries).toEqual(['gateway.started', 'call', 'gateway.stopped'])
}, 60_000)

it('sets aside a row that its database refuses, counts it, and shows it', async () => {
  const claude = forThisTest(await startClaude())
  const folder = temporaryFolder()
  const file = join(folder, 'ledger.db')
  const store = forThisTest(openLedgerStore(`sqlite:${file}`))
  await store.countCalls(always)
  const database = new DatabaseSync(file)
  database.exec(`create trigger refusing before insert on calls when new.model_asked = 'claude-evil'
    begin select raise(abort, 'refused'); end`)
  database.close()
  const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
  const gateway = await gatewayOf(
    configOf(targetAt(claude, 'anthropic'), undefined, { storage: { url: `sqlite:${file}` } }),
  )
  for (const model of ['claude-a', 'claude-evil', 'claude-b'])
    await send(`${gateway.url}/v1/messages`, { body: messages({ model }) })
  await vi.waitFor(async () => expect(await store.countCalls(always)).toBe(2), 10_000)
  const metrics = (await send(`${gateway.url}/metrics`, { method: 'GET' })).text
  for (const line of [
    /^spillway_ledger_rejected(\{.*\})? 1$/m,
    /^spillway_ledger_lost(\{.*\})? 0$/m,
    /^spillway_audit_away(\{.*\})? 0$/m,
  ])
    expect(metrics).toMatch(line)
  expect(await ready(gateway.url)).toEqual({ status: 'ok', ledger: 'ok', rejected: 1 })
  expect(logged.mock.calls.join('\n')).toMatch(
    /ledger: a row was refused by its database and set aside: .*refused/,
  )
  await gateway.close(0)
  logged.mockRestore()

  const printed = vi.spyOn(console, 'log').mockImplementation(() => {})
  await run(['node', 'spillway', 'ledger', 'rejected', '--journal', `${file}.waiting`])
  expect(printed.mock.calls.join()).toMatch(/ledger .*refused\n.*claude-evil/)
  printed.mockRestore()
}, 20_000)

it('removes old calls, and old entries of the audit log, and keeps the sums', async () => {
  const claude = forThisTest(await startClaude())
  const url = `sqlite:${join(temporaryFolder(), 'ledger.db')}`
  const before = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, { storage: { url } }))
  await send(`${before.url}/v1/messages`, { body: messages() })
  await before.close(0)
  const store = forThisTest(openLedgerStore(url))
  expect((await store.calls({ limit: 9 })).calls).toHaveLength(1)
  // Whatever is older than 36 ms.
  const retention = { calls: '0.00001h', audit: '0.00001h' }
  const gateway = await gatewayOf(
    configOf(targetAt(claude, 'anthropic'), undefined, { storage: { url, retention } }),
  )
  await vi.waitFor(async () => expect((await store.calls({ limit: 9 })).calls).toEqual([]), 15_000)
  await vi.waitFor(async () => expect((await store.audit.anchor()).seq).toBeGreaterThan(2), 15_000)
  await gateway.close(0)
  expect(await store.countCalls(always)).toBe(1)
  expect((await verifyAudit(store.audit)).problems).toEqual([])
}, 40_000)

it('writes nothing to disk without storage', async () => {
  const claude = forThisTest(await startClaude())
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
  await send(`${gateway.url}/v1/messages`, { body: messages() })
  await gateway.close(0)
  expect(existsSync('spillway.db') || existsSync('spillway.waiting')).toBe(false)
})

it('takes its URL from the environment, and says so when it is not there', async () => {
  const { config } = parseConfig(
    'targets: { a: { api: ollama, endpoints: [{ url: "http://127.0.0.1:1" }] } }\nroutes: [{ models: "*", target: a }]\nstorage: { url: "env:SPILLWAY_TEST_NOWHERE" }',
    'test.yaml',
  )
  await expect(startGateway(config, { port: 0 })).rejects.toThrow(
    'storage.url: the environment variable SPILLWAY_TEST_NOWHERE is not set',
  )
})
