import { Kysely, sql } from 'kysely'
import { expect, it } from 'vitest'
import { databaseKind } from './database.ts'
import { dropFilterIndexes } from './memory-indexes.ts'
import { migrate, type Schema } from './migrations.ts'
import type { CallRow } from './rows.ts'
import { SqlStore } from './sql-store.ts'

it('removes the indexes of filters, and no others', async () => {
  const kind = databaseKind('sqlite::memory:')
  const db = new Kysely<Schema>({ dialect: kind.dialect })
  try {
    await migrate(db, kind)
    const indexes = async (): Promise<string[]> => {
      const found = await sql<{ name: string }>`select name from sqlite_master
        where type = 'index' and name like 'calls\\_%' escape '\\' order by name`.execute(db)
      return found.rows.map(({ name }) => name)
    }
    const before = await indexes()
    await dropFilterIndexes(db)
    const after = await indexes()
    expect(before.filter((name) => !after.includes(name))).toEqual([
      'calls_model_asked',
      'calls_target',
      'calls_tenant',
    ])
    expect(after).toContain('calls_page')
    expect(after).toContain('calls_call_id')
  } finally {
    await db.destroy()
  }
})

it('gives the same pages by filter without them', async () => {
  const store = new SqlStore(databaseKind('sqlite::memory:'))
  try {
    const rows = Array.from({ length: 300 }, (_, n) => ({
      ...{ id: `r${n}`, call_id: `c${n}`, started_at: n, tenant: n % 3 === 0 ? 'acme' : null },
      ...{ api: 'anthropic', operation: 'generate', model_asked: `m${n % 5}`, model_answered: null },
      ...{ target: 'claude', attempts: 1, failure: null, status: 200, stop_reason: null },
      ...{ ttft_ms: null, total_ms: 1 },
    }))
    await store.write(rows.map((row: CallRow) => ({ table: 'calls', row })))
    const { calls, next } = await store.calls({ limit: 5, tenant: 'acme', model: 'm0' })
    expect(calls.map(({ id }) => id)).toEqual(['r285', 'r270', 'r255', 'r240', 'r225'])
    const more = await store.calls({ limit: 50, tenant: 'acme', model: 'm0', before: next })
    expect(more.calls).toHaveLength(15)
    expect((await store.calls({ limit: 5, tenant: 'nobody' })).calls).toEqual([])
  } finally {
    await store.close()
  }
})
