/**
 * Makes a ledger with the code of today in each database, fills it, and writes a dump of it beside this file. Run it with each new
 * migration, and never again for a version that has its dumps:
 * `node --conditions=@spillway/source packages/ledger/test/earlier-versions/write-dumps.ts`
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import {
  type AttemptRow,
  type CallRow,
  type ChangeRow,
  type ComparisonRow,
  type Entry,
  openLedgerStore,
} from '../../src/index.ts'
import { privatePostgres } from '../private-postgres.ts'
import { openTestDatabase } from '../test-database.ts'

const folder = mkdtempSync(join(tmpdir(), 'spillway-dumps-'))
const server = await privatePostgres()
if (server === undefined) process.exit(1)
try {
  const entries = await entriesOfVersion5()
  for (const name of ['sqlite', 'postgres'] as const) {
    const file = join(folder, 'ledger.db')
    const url = name === 'sqlite' ? `sqlite:${file}` : server.url
    await fill(url, entries)
    const database = await openTestDatabase(url)
    const [row] = await database.query('select count(*) as version from ledger_version')
    await database.close()
    const dump = new URL(`version-${row?.version}.${name}.sql`, import.meta.url)
    // The dump of a version is what its own code has made: it is not written a second time.
    writeFileSync(dump, name === 'sqlite' ? dumpSqlite(file) : dumpPostgres(url), { flag: 'wx' })
    console.log(dump.pathname)
  }
} finally {
  await server.close()
  rmSync(folder, { recursive: true })
}

/** The same calls as in every version before, with conversations; those that failed with a vendor's code and request id. */
async function entriesOfVersion5(): Promise<Entry[]> {
  const database = await openTestDatabase(`sqlite:${join(folder, 'earlier.db')}`)
  await database.query(readFileSync(new URL('version-5.sqlite.sql', import.meta.url), 'utf8'))
  const calls = await database.query('select * from calls order by id')
  const attempts = await database.query('select * from attempts order by id')
  await database.close()
  const ofFailure = (row: Record<string, unknown>): object =>
    row.failure === 'overloaded' ? { code: 'overloaded_error', request_id: `req_${row.id}` } : {}
  const session = (row: Record<string, unknown>): object => ({ session: `session of ${row.tenant}` })
  return [
    ...calls.map((row) => ({
      table: 'calls' as const,
      row: { ...row, ...session(row) } as unknown as CallRow,
    })),
    ...attempts.map((row) => ({
      table: 'attempts' as const,
      row: { ...row, ...ofFailure(row), ...session(row) } as unknown as AttemptRow,
    })),
  ]
}

/** Eight calls, a comparison, a change, and six entries of an audit log whose first two were pruned. */
async function fill(url: string, entries: readonly Entry[]): Promise<void> {
  const store = openLedgerStore(url)
  await store.write(entries)
  const begin = Date.UTC(2026, 9, 31, 23, 58)
  await store.write([
    { table: 'comparisons', row: aComparison(begin) },
    { table: 'changes', row: aChange(begin) },
  ])
  const entry = (number: number) => ({
    ...{ id: `e${number}`, at: begin + number * 1000, actor: 'acme', action: 'call' },
    details: { from: '127.0.0.1', number, outcome: 'ok' },
  })
  await store.audit.append([1, 2, 3, 4, 5, 6].map(entry))
  const by = { id: 'p1', at: begin + 90_000, actor: 'retention' }
  await store.audit.prune(begin + 2500, by)
  await store.audit.append([entry(7)])
  await store.noteOwner({
    ...{ id: 'msgbatch_1', target: 'claude', endpoint: 'first', tenant: 'acme', results_of: null, at: begin },
  })
  await store.close()
}

function aComparison(at: number): ComparisonRow {
  return {
    ...{
      id: 'comparison-1',
      call_id: 'call-1',
      started_at: at,
      from_target: 'claude',
      to_target: 'candidate',
    },
    ...{ model_asked: 'claude-opus-5', similarity: 0.875, primary_failure: null, primary_ttft_ms: 120.5 },
    ...{ primary_total_ms: 900.25, primary_output_tokens: 40, primary_cost_nano: 4_000_000 },
    ...{ candidate_failure: 'timeout', candidate_ttft_ms: null, candidate_total_ms: 1200.5 },
    ...{ candidate_output_tokens: 0, candidate_cost_nano: null },
  }
}

function aChange(at: number): ChangeRow {
  return {
    ...{ id: 'change-1', started_at: at, kind: 'circuit', target: 'claude', endpoint: 'first' },
    ...{ subject: 'claude-opus-5', was: 'closed', became: 'open', reason: 'failure_rate', until: null },
  }
}

function dumpSqlite(file: string): string {
  const database = new DatabaseSync(file)
  const made = database.prepare('select type, name, sql from sqlite_master where sql is not null').all()
  const tables = made.filter(({ type }) => type === 'table')
  const lines = tables.map(({ sql }) => `${oneLine(sql)};`)
  for (const { name } of tables)
    for (const row of database.prepare(`select * from ${name}`).all())
      lines.push(`insert into ${name} values (${Object.values(row).map(literal).join(', ')});`)
  for (const { type, sql } of made) if (type !== 'table') lines.push(`${oneLine(sql)};`)
  database.close()
  return `${lines.join('\n')}\n`
}

function oneLine(sql: unknown): string {
  return String(sql).replaceAll(/\s+/g, ' ')
}

function literal(value: unknown): string {
  if (value === null) return 'null'
  return typeof value === 'number' ? String(value) : `'${String(value).replaceAll("'", "''")}'`
}

function dumpPostgres(url: string): string {
  const text = execFileSync('pg_dump', ['--no-owner', '--no-privileges', '--inserts', url], {
    encoding: 'utf8',
  })
  const lines = text.split('\n').filter((line) => !/^(--|SET |SELECT pg_catalog|\\|\s*$)/.test(line))
  return `${lines.join('\n')}\n`
}
