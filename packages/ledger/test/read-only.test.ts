import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { exportAudit, openLedgerStore, verifyAudit } from '../src/index.ts'
import { type PrivatePostgres, privatePostgres } from './private-postgres.ts'
import { openTestDatabase } from './test-database.ts'

const folder = mkdtempSync(join(tmpdir(), 'spillway-read-only-'))
const postgres: PrivatePostgres | undefined = await privatePostgres()
afterAll(async () => {
  await postgres?.close()
  rmSync(folder, { recursive: true })
})

const ever = { from: 0, to: Number.MAX_SAFE_INTEGER }
const entry = { id: 'e', at: 1, actor: 'a', action: 'call', details: {} }

describe.each([
  { name: 'sqlite', make: async (name: string) => `sqlite:${join(folder, `${name}.db`)}` },
  ...(postgres === undefined ? [] : [{ name: 'postgres', make: (name: string) => postgres.database(name) }]),
])('a $name database that is only read', ({ name, make }) => {
  it('is not made into a ledger', async () => {
    const url = await make('empty')
    const database = await openTestDatabase(url)
    await database.query('create table something (x integer)')
    const store = openLedgerStore(url, { readOnly: true })
    await expect(verifyAudit(store.audit)).rejects.toThrow('there is no ledger in this database')
    await expect(exportAudit(store.audit).next()).rejects.toThrow('there is no ledger in this database')
    await store.close()
    const tables =
      name === 'sqlite'
        ? 'select name from sqlite_master'
        : "select table_name as name from information_schema.tables where table_schema = 'public'"
    expect(await database.query(tables)).toEqual([{ name: 'something' }])
    await database.close()
  })

  it('is verified as it is, also where it is of an earlier version', async () => {
    for (const version of [1, 2, 5]) {
      const url = await make(`earlier-${version}`)
      const database = await openTestDatabase(url)
      await database.query(
        readFileSync(new URL(`earlier-versions/version-${version}.${name}.sql`, import.meta.url), 'utf8'),
      )
      const store = openLedgerStore(url, { readOnly: true })
      if (version === 1) await expect(verifyAudit(store.audit)).rejects.toThrow('had no audit log yet')
      else {
        const report = await verifyAudit(store.audit, { head: { seq: 8, hash: 'x' } })
        expect(report).toMatchObject({ rows: 6, problems: [{ seq: 8, kind: 'replaced' }] })
        expect(report.removal).toMatchObject({ through: { seq: 2 }, from: undefined, actor: 'retention' })
      }
      await store.close()
      expect(await database.query('select version from ledger_version')).toHaveLength(version)
      await database.close()
    }
  })

  it('takes nothing', async () => {
    const url = await make('full')
    const writer = openLedgerStore(url)
    await writer.audit.append([entry, { ...entry, id: 'e2' }])
    const store = openLedgerStore(url, { readOnly: true })
    await expect(store.audit.append([{ ...entry, id: 'f' }])).rejects.toThrow(/read-?only/)
    await expect(store.audit.prune(9, { id: 'p', at: 1, actor: 'a' })).rejects.toThrow(/read-?only/)
    await expect(store.pruneCalls({ before: 9 }, 9)).rejects.toThrow(/read-?only/)
    expect(await store.countCalls(ever)).toBe(0)
    expect(await verifyAudit(store.audit)).toMatchObject({ rows: 2, problems: [] })
    await Promise.all([store.close(), writer.close()])
  })
})

it('is an error where there is none, and none is made', async () => {
  for (const url of [
    `sqlite:${join(folder, 'none.db')}`,
    `sqlite:${join(folder, 'none', 'x.db')}`,
    'sqlite::memory:',
  ]) {
    const store = openLedgerStore(url, { readOnly: true })
    await expect(verifyAudit(store.audit)).rejects.toThrow(`there is no ledger to read at ${url}`)
    await store.close()
  }
  expect(existsSync(join(folder, 'none.db'))).toBe(false)
  expect(readdirSync(folder).filter((file) => file.startsWith('none'))).toEqual([])
})
