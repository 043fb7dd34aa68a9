import { setTimeout as pause } from 'node:timers/promises'
import { Kysely, sql } from 'kysely'
import { expect, it } from 'vitest'
import { databaseKind } from '../src/database.ts'
import { privatePostgres } from './private-postgres.ts'
import { openTestDatabase } from './test-database.ts'

it('a connection that PostgreSQL ends between two statements fails its transaction alone', async () => {
  const server = await privatePostgres()
  if (server === undefined) return
  const database = new Kysely<object>({ dialect: databaseKind(server.url).dialect })
  const administrator = await openTestDatabase(server.url)
  const uncaught: Error[] = []
  const hear = (error: Error): void => void uncaught.push(error)
  // vitest's own listeners fail the file before this one says why.
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException').on('uncaughtException', hear)
  try {
    const transaction = database.transaction().execute(async (open) => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(open)
      await administrator.query(`select pg_terminate_backend(${rows[0]?.pid})`)
      await pause(200)
      await sql`select 1`.execute(open)
    })
    await expect(transaction).rejects.toThrow(/terminat|not queryable/)
    expect(uncaught).toEqual([])
    await expect(sql`select 1 as one`.execute(database)).resolves.toMatchObject({ rows: [{ one: 1 }] })
  } finally {
    process.removeListener('uncaughtException', hear)
    for (const listener of others) process.on('uncaughtException', listener)
    await administrator.close()
    await database.destroy()
    await server.close()
  }
}, 60_000)
