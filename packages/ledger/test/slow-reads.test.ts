import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { virtualClock } from '@spillway/testing'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { BoundedReads } from '../src/bounded-reads.ts'
import { type CallRow, type Entry, openLedgerStore } from '../src/index.ts'
import { type PrivatePostgres, privatePostgres } from './private-postgres.ts'
import { openTestDatabase } from './test-database.ts'

const at = Date.UTC(2026, 9, 30)
const range = { from: at, to: at + 60_000 }
const folder = mkdtempSync(join(tmpdir(), 'spillway-reads-'))
const servers: PrivatePostgres[] = []
afterAll(async () => {
  for (const server of servers) await server.close()
  rmSync(folder, { recursive: true })
})

function callOf(n: number): Entry {
  const row: CallRow = {
    ...{ id: `call-${n}`, call_id: `call-${n}`, started_at: at, tenant: `tenant-${n}`, api: 'anthropic' },
    ...{ operation: 'generate', model_asked: 'claude', model_answered: null, target: 'claude', attempts: 1 },
    ...{ failure: null, status: 200, stop_reason: null, ttft_ms: 1, total_ms: 2 },
  }
  return { table: 'calls', row }
}

/** The view `fallbacks` then reads so many rows that it never ends by itself; no row of {@link callOf} is written there. */
const endless = (rows: string) => `drop table fallback_rollups; create view fallback_rollups as
  select 60000 as grain, ${at} as at, 'a' as from_target, 'b' as to_target, 'c' as reason, 1 as calls from ${rows}`

const databases = {
  SQLite: async () => ({
    url: `sqlite:${join(folder, 'ledger.db')}`,
    slow: endless(
      `(with recursive n(x) as (select 1 union all select x + 1 from n where x < 1e10) select x from n)`,
    ),
  }),
  PostgreSQL: async () => {
    const server = await privatePostgres()
    if (server === undefined) return undefined
    servers.push(server)
    return { url: server.url, slow: endless('generate_series(1, 10000000000)') }
  },
}

describe.each(Object.entries(databases))('a slow view of %s', (_name, open) => {
  it('ends at its time limit, and meanwhile every row is written at once', async () => {
    const database = await open()
    if (database === undefined) return
    const { url, slow } = database
    const store = openLedgerStore(url, { readTimeout: 3000, maxWaitingReads: 1 })
    await store.write([callOf(0)])
    await store.countCalls(range)
    const administrator = await openTestDatabase(url)
    await administrator.query(slow)
    await administrator.close()

    // As many as are read at once, in each database, and one that waits.
    const begun = performance.now()
    const views = Array.from({ length: url.startsWith('sqlite') ? 2 : 3 }, () =>
      store.fallbacks(range).catch((error: { code?: string }) => error.code),
    )
    await expect(store.countCalls(range)).rejects.toMatchObject({ code: 'SPILLWAY_READS_BUSY' })
    for (let n = 1; n <= 3; n++) await store.write([callOf(n)])
    expect(performance.now() - begun).toBeLessThan(3000)
    const ended = await Promise.all(views)
    expect(new Set(ended.slice(0, -1))).toEqual(new Set(['SPILLWAY_READ_TIMEOUT']))
    expect(ended.at(-1)).toMatch(/^SPILLWAY_READ(S_BUSY|_TIMEOUT)$/)

    await expect.poll(() => store.countCalls(range).catch(() => 0), { timeout: 10_000 }).toBe(4)
    await store.close()
  }, 30_000)
})

it('a read that never ends keeps its place, and those behind it are refused in time', async () => {
  const clock = virtualClock()
  const asked: string[] = []
  const reads = new BoundedReads(
    { timeout: 1000, maxWaiting: 2, atOnce: 1 },
    clock,
    () => asked.push('interrupt'),
    () => asked.push('give up'),
  )
  const stuck = Promise.withResolvers<void>()
  const code = (read: Promise<unknown>) => read.then(String, (error: { code: string }) => error.code)
  const first = code(reads.run(() => stuck.promise))
  const second = code(reads.run(async () => asked.push('second')))
  await clock.advance(1000)
  expect([await first, await second, asked]).toEqual([
    'SPILLWAY_READ_TIMEOUT',
    'SPILLWAY_READS_BUSY',
    ['interrupt'],
  ])
  await clock.advance(2000)
  expect(asked).toEqual(['interrupt', 'give up'])
  const third = code(reads.run(async () => 'third'))
  stuck.resolve()
  expect(await third).toBe('third')
  const closed = reads.run(() => new Promise(() => {}))
  closed.catch(() => {})
  const waiting = reads.run(async () => 1)
  reads.close()
  await expect(waiting).rejects.toThrow('the store is closed')
})

it('a read that has waited takes no longer in all than one that has not', async () => {
  const clock = virtualClock()
  const reads = new BoundedReads(
    { timeout: 1000, maxWaiting: 2, atOnce: 1 },
    clock,
    () => {},
    () => {},
  )
  const first = Promise.withResolvers<void>()
  const running = reads.run(() => first.promise)
  const ends = vi.fn()
  reads.run(() => new Promise(() => {})).catch(({ code }) => ends(code, clock.now()))
  await clock.advance(900)
  first.resolve()
  await running
  await clock.advance(200)
  expect(ends.mock.calls).toEqual([['SPILLWAY_READ_TIMEOUT', 1000]])
})
