import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRequest, type ModelResponse } from '@spillway/middleware'
import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type AuditEntry,
  createAuditTrail,
  createLedger,
  type Ledger,
  type LedgerOptions,
  openLedgerStore,
  readRejected,
  verifyAudit,
} from '../src/index.ts'
import { freezableProxy } from './freezable-proxy.ts'
import { type PrivatePostgres, privatePostgres } from './private-postgres.ts'
import { openTestDatabase } from './test-database.ts'

let server: PrivatePostgres | undefined
let folder: string
let databases = 0
beforeAll(async () => {
  server = await privatePostgres()
}, 60_000)
afterAll(() => server?.close())
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-stopped-'))
})
afterEach(() => rmSync(folder, { recursive: true, maxRetries: 9 }))

/** Books a call through a ledger. */
async function call(ledger: Ledger, model: string, tenant = 'acme'): Promise<void> {
  const request = createRequest({
    ...{ api: 'anthropic', model, stream: false, url: '/v1/messages', body: jsonBodyFromObject({}) },
    context: { callId: 'call', tenant },
  })
  const timings = { startedAt: request.clock.now(), end: 1 }
  const response = { status: 200, outcome: Promise.resolve({ timings, model }) } as unknown as ModelResponse
  await ledger.calls(async () => response)(request)
}

/** A ledger whose database is there and up to date. */
async function ledgerAt(url: string, options: Partial<LedgerOptions> = {}) {
  const store = openLedgerStore(url)
  await store.countCalls({ from: 0, to: 1 })
  const warnings: string[] = []
  const ledger = createLedger({
    ...{ store, journal: join(folder, 'journal'), maxWait: 20, writeTimeout: 5000 },
    warn: (line) => warnings.push(line),
    ...options,
  })
  return { store, ledger, warnings }
}

const files = (): string[] =>
  readdirSync(join(folder, 'journal'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.jsonl'),
  )

const models = async (url: string): Promise<unknown[]> => {
  const database = await openTestDatabase(url)
  const rows = await database.query('select model_asked as model from calls order by model_asked')
  await database.close()
  return rows.map(({ model }) => model)
}

describe('PostgreSQL', { timeout: 30_000 }, () => {
  const open = async (): Promise<string | undefined> => server?.database(`stopped-${databases++}`)

  it('that does not answer any more costs no row, and keeps nothing from closing', async () => {
    const url = await open()
    if (url === undefined) return
    const proxy = await freezableProxy(url)
    const { store, ledger, warnings } = await ledgerAt(proxy.url, { writeTimeout: 400 })
    await call(ledger, 'a')
    await ledger.flush()
    proxy.freeze()
    await call(ledger, 'b')
    await expect.poll(() => ledger.state.isAway, { timeout: 3000 }).toBe(true)
    expect(warnings.join()).toMatch(/takes no rows.*did not answer within 400 ms/)
    for (let n = 0; n < 3; n++) await call(ledger, 'c')
    await expect.poll(() => ledger.state.buffered, { timeout: 3000 }).toBe(0)
    expect(files().length).toBeGreaterThan(0)
    const begun = performance.now()
    await ledger.close()
    await store.close()
    expect(performance.now() - begun).toBeLessThan(6000)
    expect(ledger.state.lost).toBe(0)
    proxy.thaw()
    const next = await ledgerAt(proxy.url)
    await next.ledger.flush()
    expect(await models(url)).toEqual(['a', 'b', 'c', 'c', 'c'])
    await next.ledger.close()
    await next.store.close()
    expect(files()).toEqual([])
    await proxy.close()
  })

  it('whose table is locked takes the rows afterwards, each once, and few statements wait in it', async () => {
    const url = await open()
    if (url === undefined) return
    const { store, ledger } = await ledgerAt(url, { writeTimeout: 400 })
    await call(ledger, 'a')
    await ledger.flush()
    const other = await openTestDatabase(url)
    await other.query('begin; lock table calls in access exclusive mode')
    for (let n = 0; n < 2; n++) {
      await call(ledger, 'b')
      await ledger.flush()
    }
    expect(ledger.state).toMatchObject({ isAway: true, lost: 0 })
    const waiting = await other.query(
      `select count(*) as n from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
    )
    expect(Number(waiting[0]?.n)).toBeLessThanOrEqual(2)
    await other.query('commit')
    await expect.poll(async () => (await models(url)).length, { timeout: 10_000 }).toBe(3)
    await expect.poll(() => ledger.state.isAway).toBe(false)
    await other.close()
    await ledger.close()
    await store.close()
  })

  it('whose audit log is locked by another process takes the entries afterwards, each once, also those of a process that ended', async () => {
    const url = await open()
    if (url === undefined) return
    const trailAt = async () => {
      const store = openLedgerStore(url)
      await store.audit.head()
      const journal = join(folder, 'journal')
      return { store, trail: createAuditTrail({ log: store.audit, journal, maxWait: 20, writeTimeout: 400 }) }
    }
    const entry = (number: number) => ({ actor: 'acme', action: 'call', details: { number } })
    const first = await trailAt()
    const other = await openTestDatabase(url)
    // Of appends: an administrator's session that is idle in its transaction.
    await other.query('begin; select pg_advisory_xact_lock(7747456)')
    for (let number = 0; number < 100; number++) first.trail.record(entry(number))
    await first.trail.flush()
    expect(first.trail.state).toMatchObject({ isAway: true, isInMemory: false, buffered: 0, lost: 0 })
    expect(files().length).toBeGreaterThan(0)
    await first.trail.close()
    await first.store.close()
    await other.query('commit')
    const next = await trailAt()
    next.trail.record(entry(100))
    await next.trail.close()
    expect(files()).toEqual([])
    const rows = await next.store.audit.read(0, 1000)
    const numbers = rows.map(({ entry: text }) => (JSON.parse(text) as AuditEntry).details.number)
    expect(numbers).toEqual(Array.from({ length: 101 }, (_, number) => number))
    expect(await verifyAudit(next.store.audit)).toMatchObject({ rows: 101, problems: [] })
    await next.store.close()
    await other.close()
  })

  it('books calls with names and numbers that it would refuse', async () => {
    const url = await open()
    if (url === undefined) return
    const { store, ledger } = await ledgerAt(url)
    await call(ledger, 'm'.repeat(3000), '\u{1f600}'.repeat(300))
    await call(ledger, 'a\0b')
    await call(ledger, 'a\ud800b')
    await call(ledger, 'good')
    await ledger.flush()
    expect(ledger.state).toMatchObject({ isAway: false, rejected: 0, lost: 0 })
    expect(await models(url)).toEqual(['a\ufffdb', 'a\ufffdb', 'good', 'm'.repeat(256)])
    await ledger.close()
    await store.close()
  })
})

const refusing = {
  PostgreSQL: [
    () => server?.database(`refusing-${databases++}`),
    `alter table calls add constraint no_evil check (model_asked <> 'evil')`,
  ],
  SQLite: [
    async () => `sqlite:${join(folder, 'ledger.db')}`,
    `create trigger no_evil before insert on calls when new.model_asked = 'evil'
      begin select raise(abort, 'no evil'); end`,
  ],
} as const

describe.each(Object.entries(refusing))('a row that %s refuses', (_name, [open, rule]) => {
  it('is set aside, and every other one is written', async () => {
    const url = await open()
    if (url === undefined) return
    const { store, ledger, warnings } = await ledgerAt(url)
    const administrator = await openTestDatabase(url)
    await administrator.query(rule)
    await administrator.close()
    for (const model of ['a', 'b', 'evil', 'c', 'd']) await call(ledger, model)
    await ledger.flush()
    expect(await models(url)).toEqual(['a', 'b', 'c', 'd'])
    expect(ledger.state).toMatchObject({ isAway: false, rejected: 1, lost: 0, buffered: 0 })
    expect(warnings).toEqual([expect.stringMatching(/refused by its database and set aside: .*evil/)])
    const rejected: unknown[] = []
    for await (const each of readRejected(join(folder, 'journal'))) rejected.push(each)
    expect(rejected).toMatchObject([
      { entry: { table: 'calls', row: { model_asked: 'evil' } }, reason: expect.stringContaining('evil') },
    ])
    await ledger.close()
    await store.close()
  }, 20_000)
})
