import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { attempt, fetchTransport } from '@spillway/attempt'
import { compose, createRequest, type Handler } from '@spillway/middleware'
import { jsonBodyFromObject, readBody } from '@spillway/middleware/kit'
import { ledgerStoreCases, startClaude } from '@spillway/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLedger, type Entry, type LedgerStore, openLedgerStore, verifyAudit } from '../src/index.ts'
import { type PrivatePostgres, privatePostgres } from './private-postgres.ts'

const ever = { from: 0, to: Number.MAX_SAFE_INTEGER }
const folder = mkdtempSync(join(tmpdir(), 'spillway-ledger-'))
const postgres: PrivatePostgres | undefined = await privatePostgres()
afterAll(async () => {
  await postgres?.close()
  rmSync(folder, { recursive: true })
})

const november = Date.UTC(2026, 10, 1)

function attemptEntry(
  id: string,
  changes: Partial<Extract<Entry, { table: 'attempts' }>['row']> = {},
): Entry {
  return {
    table: 'attempts',
    row: {
      id,
      call_id: 'call',
      attempt: 1,
      role: 'primary',
      started_at: november,
      tenant: null,
      target: 'claude',
      endpoint: null,
      provider: 'anthropic',
      model_asked: 'claude-opus-5',
      model_answered: 'claude-opus-5',
      input_tokens: 10,
      output_tokens: 5,
      cache_read_tokens: 3,
      cache_write_tokens: 2,
      reasoning_tokens: 1,
      estimated: 0,
      cost_nano: 1_000_000_007,
      failure: null,
      status: null,
      stop_reason: 'end_turn',
      ttft_ms: 12.5,
      total_ms: 100,
      ...changes,
    },
  }
}

/** Takes a database away for a while. */
interface Outage {
  begin(): void | Promise<void>
  end(): void | Promise<void>
}

describe.each([
  {
    name: 'SQLite',
    url: `sqlite:${join(folder, 'ledger.db')}`,
    outage: (): Outage => {
      let other: DatabaseSync | undefined
      return {
        begin() {
          other = new DatabaseSync(join(folder, 'ledger.db'))
          other.exec('begin exclusive')
        },
        end: () => other?.close(),
      }
    },
  },
  ...(postgres === undefined
    ? []
    : [
        {
          name: 'PostgreSQL',
          url: postgres.url,
          outage: (): Outage => ({ begin: () => postgres.stop(), end: () => postgres.start() }),
        },
      ]),
])('a ledger in $name', ({ url, outage }) => {
  let store: LedgerStore
  beforeAll(() => {
    store = openLedgerStore(url)
  })
  afterAll(() => store.close())

  it('takes each row once', async () => {
    const rows = [attemptEntry('a'), attemptEntry('b')]
    expect(await store.write(rows)).toBe(2)
    expect(await store.write([...rows, attemptEntry('c')])).toBe(1)
    expect(await store.write([])).toBe(0)
    const [totals] = await store.totals('model', ever)
    expect(totals).toEqual({
      key: 'claude-opus-5',
      calls: 0,
      failedCalls: 0,
      attempts: 3,
      errors: 0,
      cancelled: 0,
      tokens: { input: 30, output: 15, cacheRead: 9, cacheWrite: 6, reasoning: 3 },
      estimatedTokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 },
      costNano: '3000000021',
      estimatedCostNano: '0',
      estimated: 0,
      unpriced: 0,
    })
  })

  it('keeps text as it is, whatever is in it', async () => {
    const tenant = `o'brien "x" \\ \n 水 $1 ?`
    await store.write([attemptEntry('d', { tenant })])
    expect((await store.totals('tenant', ever)).map(({ key }) => key)).toContain(tenant)
  })

  it('groups by day in UTC, within a range that excludes its end', async () => {
    const noon = Date.UTC(2026, 5, 1, 12)
    const midnight = Date.UTC(2026, 5, 2)
    await store.write([
      attemptEntry('e', { started_at: noon, cost_nano: null, failure: 'timeout' }),
      attemptEntry('f', { started_at: midnight - 1, estimated: 1 }),
      attemptEntry('g', { started_at: midnight }),
    ])
    const days = await store.totals('day', { from: noon, to: midnight })
    expect(days).toMatchObject([
      { key: '2026-06-01', attempts: 2, errors: 1, unpriced: 1, estimatedCostNano: '1000000007' },
    ])
    expect(await store.totals('day', { from: midnight, to: midnight + 1 })).toMatchObject([{ attempts: 1 }])
  })

  it('opens beside another that made its tables at the same time', async () => {
    const others = [openLedgerStore(url), openLedgerStore(url)]
    await expect(Promise.all(others.map((each) => each.countCalls(ever)))).resolves.toEqual([0, 0])
    await Promise.all(others.map((each) => each.close()))
  })

  it('notes who has made a batch or a file, for a year', async () => {
    const row = { target: 'claude', endpoint: 'first', tenant: 'acme', results_of: null, at: november }
    await store.noteOwner({ id: 'msgbatch_1', ...row })
    await store.noteOwner({
      id: 'msgbatch_1',
      ...row,
      tenant: 'other',
      results_of: 'batch_1',
      at: november + 9,
    })
    await store.noteOwner({ id: 'file_1', ...row, tenant: null })
    expect(await store.owner('msgbatch_1')).toEqual({ id: 'msgbatch_1', ...row, results_of: 'batch_1' })
    expect(await store.owner('file_1')).toMatchObject({ tenant: null, results_of: null, at: november })
    await store.forgetOwner('file_1')
    expect(await store.owner('file_1')).toBeUndefined()
    await store.noteOwner({ id: 'file_2', ...row, at: november + 367 * 86_400_000 })
    expect(await store.owner('msgbatch_1')).toBeUndefined()
    expect(await store.owner('file_2')).toBeDefined()
  })

  it('keeps an audit log whose rows hold each other, one writer at a time', async () => {
    const { audit } = store
    const other = openLedgerStore(url)
    const entry = (id: string) => ({
      id,
      at: november,
      actor: 'acme',
      action: 'call',
      details: { b: 1, a: id },
    })
    await audit.append([entry('1'), entry('2')])
    await audit.append([entry('2'), entry('3')])
    if (url.startsWith('postgres'))
      await Promise.all(
        [audit, other.audit, audit].map((log, n) => log.append([entry(`x${n}`), entry(`y${n}`)])),
      )
    const { rows, head, problems } = await verifyAudit(audit)
    expect(problems).toEqual([])
    expect(rows).toBe(url.startsWith('postgres') ? 9 : 3)
    expect(await audit.head()).toEqual(head)
    const by = { id: 'p', at: november + 5, actor: 'admin' }
    expect(await audit.prune(november + 1, by)).toBe(rows - 1)
    expect(await verifyAudit(audit, { head: await audit.head() })).toMatchObject({ rows: 2, problems: [] })
    expect((await verifyAudit(audit, { head: { seq: head.seq + 9, hash: 'x' } })).problems).toHaveLength(1)
    await other.close()
  })

  it('loses and doubles nothing while the database is unavailable, and no call fails', async () => {
    const journal = join(folder, `journal-${url.split(':')[0]}`)
    const makeLedger = () => createLedger({ store, journal, maxWait: 5, maxRows: 20 })
    let ledger = makeLedger()
    await using claude = await startClaude({ record: false })
    const call = (): Promise<void> => sendThrough(ledger.calls, ledger.attempts, claude.url)
    const before = await store.totals('model', ever)
    const database = outage()
    await Promise.all(Array.from({ length: 50 }, call))
    await ledger.flush()
    await database.begin()
    await Promise.all(Array.from({ length: 100 }, call))
    await ledger.flush()
    expect(ledger.state).toMatchObject({ isAway: true, buffered: 0, lost: 0 })
    expect(ledger.state.journalBytes).toBeGreaterThan(10_000)
    // Another process finds what this one left.
    await ledger.close()
    ledger = makeLedger()
    await Promise.all(Array.from({ length: 50 }, call))
    await database.end()
    await expect
      .poll(
        async () => {
          await ledger.flush()
          return ledger.state.journalBytes
        },
        { timeout: 10_000 },
      )
      .toBe(0)
    await ledger.close()
    expect(ledger.state).toMatchObject({ isAway: false, buffered: 0, lost: 0 })
    expect(await store.countCalls(ever)).toBe(200)
    const counted = (totals: typeof before) => totals.reduce((sum, { attempts }) => sum + attempts, 0)
    expect(counted(await store.totals('model', ever)) - counted(before)).toBe(200)
  })
})

describe.each([
  { name: 'SQLite', open: async () => `sqlite:${join(folder, 'cases.db')}` },
  ...(postgres === undefined ? [] : [{ name: 'PostgreSQL', open: () => postgres.database('cases') }]),
])('a store in $name', ({ open }) => {
  let both: [LedgerStore, LedgerStore]
  beforeAll(async () => {
    const url = await open()
    both = [openLedgerStore(url), openLedgerStore(url)]
  })
  afterAll(() => Promise.all(both.map((store) => store.close())))
  for (const { name, run } of ledgerStoreCases(() => both)) it(name, run)
})

async function sendThrough(
  calls: Parameters<typeof compose>[0][number],
  attempts: Parameters<typeof compose>[0][number],
  url: string,
): Promise<void> {
  const handler: Handler = compose([calls, attempts], attempt(fetchTransport(fetch)))
  const response = await handler(
    createRequest({
      api: 'anthropic',
      model: 'claude-haiku-4-5',
      stream: false,
      url: `${url}/v1/messages`,
      headers: { 'x-api-key': 'sk-test', 'anthropic-version': '2023-06-01' },
      body: jsonBodyFromObject({
        model: 'claude-haiku-4-5',
        max_tokens: 5,
        messages: [{ role: 'user', content: 'Hi' }],
      }),
    }),
  )
  expect(response.status).toBe(200)
  await readBody(response.body)
}

it('refuses a URL that it does not know', () => {
  expect(() => openLedgerStore('mysql://x')).toThrow("must begin with 'sqlite:' or 'postgres://'")
})
