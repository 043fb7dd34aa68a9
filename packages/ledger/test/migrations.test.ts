import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { databaseKind } from '../src/database.ts'
import {
  type AttemptRow,
  type CallRow,
  type ChangeRow,
  type ComparisonRow,
  type Entry,
  type LedgerStore,
  openLedgerStore,
  verifyAudit,
} from '../src/index.ts'
import { rollupTables } from '../src/rollups.ts'
import { columns } from '../src/rows.ts'
import { SqlStore } from '../src/sql-store.ts'
import { type PrivatePostgres, privatePostgres } from './private-postgres.ts'
import { openTestDatabase, type TestDatabase } from './test-database.ts'

// Each file of `earlier-versions` is the dump of a database that the code of its version has made and filled: see
// `write-dumps.ts` there.

const folder = mkdtempSync(join(tmpdir(), 'spillway-migrations-'))
const postgres: PrivatePostgres | undefined = await privatePostgres()
afterAll(async () => {
  await postgres?.close()
  rmSync(folder, { recursive: true })
})

/** How many migrations each had. */
const versions = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]

const ever = { from: 0, to: Number.MAX_SAFE_INTEGER }

async function sqliteDatabase(name: string): Promise<TestDatabase> {
  return openTestDatabase(`sqlite:${join(folder, `${name}.db`)}`)
}

async function postgresDatabase(name: string): Promise<TestDatabase> {
  return openTestDatabase(await (postgres as PrivatePostgres).database(name))
}

/** Columns and indexes by table; defaults and the order of columns may differ. */
const schemaQueries = {
  sqlite: `select m.name as place, c.name || ' ' || lower(c.type) || ' ' || (c."notnull" or c.pk > 0) || ' ' || c.pk as what
      from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table'
    union all select m.tbl_name, replace(replace(replace(m.sql, '"', ''), ' )', ')'), char(10), ' ') from sqlite_master m
      where m.type in ('index', 'trigger') and m.sql is not null
    order by 1, 2`,
  postgres: `select table_name as place, column_name || ' ' || data_type || ' ' || is_nullable as what
      from information_schema.columns where table_schema = 'public'
    union all select tablename, indexdef from pg_indexes where schemaname = 'public'
    order by 1, 2`,
}

async function schemaOf(database: TestDatabase): Promise<string[]> {
  const rows = await database.query(schemaQueries[database.url.startsWith('sqlite') ? 'sqlite' : 'postgres'])
  return rows.map(({ place, what }) => `${place}: ${String(what).replace(/\s+/g, ' ')}`)
}

async function viewsOf(store: LedgerStore): Promise<unknown> {
  return Promise.all([
    store.summary(ever),
    store.series({ from: Date.UTC(2026, 9, 31, 23), to: Date.UTC(2026, 10, 1, 1) }, 100),
    store.latency(ever),
    store.latency({ from: Date.UTC(2026, 9, 31, 23, 59), to: Date.UTC(2026, 10, 1, 0, 1) }, 'model'),
    store.fallbacks(ever),
    ...(['model', 'tenant', 'target', 'role', 'day'] as const).map((by) => store.totals(by, ever)),
    store.countCalls(ever),
    store.calls({ limit: 100 }),
    store.facets(ever),
    store.sessions(ever, 'recent', 100),
    store.callStory('none'),
    store.comparisons(ever),
    store.changes(ever, 100),
  ])
}

/** The rows as they are in the tables, as today's code would write them. */
async function entriesOf(database: TestDatabase): Promise<Entry[]> {
  const numbers = (row: Record<string, unknown>): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value,
      ]),
    )
  const calls = await database.query('select * from calls')
  const attempts = await database.query('select * from attempts')
  const comparisons = await database.query('select * from comparisons')
  const changes = await database.query('select * from changes')
  return [
    ...comparisons.map((row) => ({
      table: 'comparisons' as const,
      row: numbers(row) as unknown as ComparisonRow,
    })),
    ...changes.map((row) => ({ table: 'changes' as const, row: numbers(row) as unknown as ChangeRow })),
    ...calls.map((row) => ({ table: 'calls' as const, row: numbers(row) as unknown as CallRow })),
    ...attempts.map((row) => ({ table: 'attempts' as const, row: numbers(row) as unknown as AttemptRow })),
  ]
}

describe.each([
  { name: 'sqlite', open: sqliteDatabase },
  ...(postgres === undefined ? [] : [{ name: 'postgres', open: postgresDatabase }]),
])('a $name database', ({ name, open }) => {
  it.each(versions)('of version %i is brought up to date with its data', async (version) => {
    const database = await open(`version-${version}`)
    const dump = new URL(`earlier-versions/version-${version}.${name}.sql`, import.meta.url)
    await database.query(readFileSync(dump, 'utf8'))
    const hadAudit = version >= 2
    const store = openLedgerStore(database.url)
    const views = await viewsOf(store)

    // The same rows, written by the code of today into a database of today.
    const fresh = await open(`fresh-${version}`)
    const newStore = openLedgerStore(fresh.url)
    const entries = await entriesOf(database)
    expect(await newStore.write(entries)).toBe(version >= 11 ? 26 : 24)
    expect(views).toEqual(await viewsOf(newStore))
    expect(await schemaOf(database)).toEqual(await schemaOf(fresh))

    // What is there is known, and the log goes on where it was.
    expect(await store.write(entries)).toBe(0)
    const before = await verifyAudit(store.audit)
    expect(before).toMatchObject({ rows: hadAudit ? 6 : 0, problems: [] })
    const entry = (id: string) => ({ id, at: Date.UTC(2026, 10, 2), actor: 'a', action: 'call', details: {} })
    await store.audit.append([entry('e7'), entry('new')])
    expect(await verifyAudit(store.audit)).toMatchObject({
      rows: before.rows + (hadAudit ? 1 : 2),
      problems: [],
    })
    await Promise.all([store.close(), newStore.close(), database.close(), fresh.close()])
  })

  it('takes rows of gateways of the version before, which go on beside a newer one', async () => {
    const before = versions.at(-2)
    const old = await open('written-before')
    await old.query(
      readFileSync(new URL(`earlier-versions/version-${before}.${name}.sql`, import.meta.url), 'utf8'),
    )
    const database = await open('written-beside')
    const store = openLedgerStore(database.url)
    expect(await store.countCalls(ever)).toBe(0)
    const names = {
      sqlite: "select name from sqlite_master where type = 'table'",
      postgres: "select table_name as name from information_schema.tables where table_schema = 'public'",
    }
    const tables = (await old.query(names[name as keyof typeof names])).map((table) => String(table.name))
    // Whose versions and whose log are their own.
    const inserts: string[] = []
    for (const table of tables.filter((each) => !/^(ledger_version|audit|sqlite_)/.test(each))) {
      for (const row of await old.query(`select * from ${table}`)) {
        const values = Object.values(row).map((value) =>
          value === null ? 'null' : `'${String(value).replaceAll("'", "''")}'`,
        )
        inserts.push(`insert into ${table} (${Object.keys(row).join(', ')}) values (${values.join(', ')})`)
      }
    }
    await database.query(['begin', ...inserts, 'commit'].join(';\n'))
    expect(await store.countCalls(ever)).toBe(8)
    expect((await store.calls({ limit: 100 })).calls).toHaveLength(8)
    await Promise.all([store.close(), database.close(), old.close()])
  })

  it('is brought up to date once, also by processes that start together', async () => {
    const database = await open('together')
    await database.query(
      readFileSync(new URL(`earlier-versions/version-2.${name}.sql`, import.meta.url), 'utf8'),
    )
    const stores = [1, 2, 3].map(() => openLedgerStore(database.url))
    const counts = await Promise.all(stores.map((store) => store.countCalls(ever)))
    expect(counts).toEqual([8, 8, 8])
    await Promise.all(stores.map((store) => store.close()))
    await database.close()
  })
})

it('has a dump of the newest version too, so that the next migration is tested from there', async () => {
  const database = await sqliteDatabase('newest')
  const store = openLedgerStore(database.url)
  await store.countCalls(ever)
  const newest = await database.query('select count(*) as migrations from ledger_version')
  expect(newest).toEqual([{ migrations: versions.at(-1) }])
  await store.close()
  await database.close()
})

it('makes the same tables whatever columns the code writes, so that a later migration can add them', async () => {
  const database = await sqliteDatabase('frozen')
  const later = {
    calls: columns.calls,
    attempts: columns.attempts,
    fallback: rollupTables.fallback_rollups.keys,
  }
  for (const table of Object.values(later)) Object.assign(table, { later: 'text' })
  try {
    const store = new SqlStore(databaseKind(database.url))
    // The column is not there yet: only the schema matters here.
    await store.countCalls(ever)
    await store.close()
  } finally {
    for (const table of Object.values(later)) delete (table as { later?: string }).later
  }
  for (const table of ['calls', 'attempts', 'fallback_rollups'])
    await database.query(`alter table ${table} add column later text`)
  await database.close()
})

/** A ledger of an earlier version whose table an administrator has locked, and forgotten. */
async function lockedLedger(name: string): Promise<{ url: string; administrator: TestDatabase } | undefined> {
  const url = await postgres?.database(name)
  if (url === undefined) return undefined
  const administrator = await openTestDatabase(url)
  const dump = new URL('earlier-versions/version-5.postgres.sql', import.meta.url)
  await administrator.query(readFileSync(dump, 'utf8'))
  await administrator.query("set search_path = public; set application_name = 'forgotten psql'")
  await administrator.query('begin; lock table audit in access exclusive mode')
  return { url, administrator }
}

const waitingFor = async (administrator: TestDatabase): Promise<unknown[]> => {
  const rows = await administrator.query(
    `select pid from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())`,
  )
  return rows.map(({ pid }) => pid)
}

it('a migration gives up on a locked table, says who holds it, and goes through afterwards', async () => {
  const locked = await lockedLedger('given-up')
  if (locked === undefined) return
  const { url, administrator } = locked
  const [{ pid } = {}] = await administrator.query('select pg_backend_pid() as pid')
  const store = new SqlStore(databaseKind(url), { lockWait: 200 })
  await expect(store.countCalls(ever)).rejects.toMatchObject({
    code: 'SPILLWAY_LEDGER_LOCKED',
    message: expect.stringMatching(
      new RegExp(`within 200 ms: locks are held by PID ${pid} \\(forgotten psql, .*audit\\).*pg_locks`),
    ),
  })
  // Nothing of it waits in the server, and nothing was changed.
  expect(await waitingFor(administrator)).toEqual([])
  await administrator.query('commit')
  const versions = await administrator.query('select max(version) as version from ledger_version')
  expect(versions).toEqual([{ version: 4 }])
  expect(await store.countCalls(ever)).toBe(8)
  await store.close()
  await administrator.close()
})

it('a migration gives up on another process that migrates for long', async () => {
  const locked = await lockedLedger('migrating')
  if (locked === undefined) return
  const { url, administrator } = locked
  await administrator.query('commit; begin; select pg_advisory_xact_lock(7747455)')
  const store = new SqlStore(databaseKind(url), { lockWait: 200 })
  await expect(store.countCalls(ever)).rejects.toThrow(
    /held by PID \d+ \(forgotten psql, .*the migration lock\)/,
  )
  await administrator.query('commit')
  expect(await store.countCalls(ever)).toBe(8)
  await store.close()
  await administrator.close()
})

it('a migration is not ended when the entries that wait for it have run out of time', async () => {
  const locked = await lockedLedger('deadline')
  if (locked === undefined) return
  const { url, administrator } = locked
  const store = new SqlStore(databaseKind(url), { lockWait: 10_000 })
  const deadline = new AbortController()
  const entry = { id: 'late', at: 0, actor: 'acme', action: 'call', details: {} }
  const appended = store.audit.append([entry], deadline.signal).then(
    () => 'appended',
    (error: Error) => error.name,
  )
  await expect.poll(() => waitingFor(administrator), { interval: 10 }).toHaveLength(1)
  deadline.abort()
  expect(await Promise.race([appended, pause(100, 'still migrating')])).toBe('still migrating')
  await administrator.query('commit')
  expect(await appended).toBe('AbortError')
  const versions = await administrator.query('select max(version) > 4 as done from ledger_version')
  expect(versions).toEqual([{ done: true }])
  await store.close()
  await administrator.close()
})
