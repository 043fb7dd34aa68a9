import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { postgresDatabase, sqliteDatabase } from './databases.ts'
import { runOutage } from './run.ts'

const folder = mkdtempSync(join(tmpdir(), 'spillway-outage-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const short = {
  callsPerSecond: 40,
  before: 1,
  outage: 3,
  after: 1,
  execArgv: ['--conditions=@spillway/source'],
}

describe('a database that goes away under load and comes back', () => {
  it.each([
    { name: 'PostgreSQL', open: postgresDatabase, kill: false },
    { name: 'PostgreSQL, the gateway killed meanwhile', open: postgresDatabase, kill: true },
    { name: 'SQLite', open: async () => sqliteDatabase(join(folder, 'sqlite')), kill: false },
  ])(
    'fails no call, and loses and doubles no row: $name',
    async ({ name, open, kill }) => {
      const database = await open()
      if (database === undefined) return
      try {
        const { phases, figures } = await runOutage({ ...short, database, kill, folder: join(folder, name) })
        expect(figures.filter(({ holds }) => !holds)).toEqual([])
        expect(figures.length).toBeGreaterThan(10)
        for (const { calls } of phases) expect(calls).toBeGreaterThan(0)
      } finally {
        await database.remove()
      }
    },
    60_000,
  )
})
