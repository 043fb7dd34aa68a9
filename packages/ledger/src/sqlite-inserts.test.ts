import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { sqliteInserts } from './sqlite-inserts.ts'

it('tells of each row whether it is new, whatever is there already and however many there are', () => {
  // More than two statements of many rows, and some of one.
  const batch = fc.uniqueArray(fc.nat(300), { maxLength: 140, size: 'max' })
  const batches = fc.array(batch, { minLength: 2, maxLength: 4 })
  fc.assert(
    fc.property(batches, (all) => {
      const database = new DatabaseSync(':memory:')
      try {
        database.exec('create table things (id text primary key, value bigint)')
        const { runNew } = sqliteInserts(database)
        const text = { into: 'insert into things (id, value)', end: 'on conflict (id) do nothing' }
        const known = new Map<string, number>()
        for (const [at, numbers] of all.entries()) {
          const rows = numbers.map((number) => [`id-${number}`, at] as const)
          expect(runNew('things', text, rows)).toEqual(rows.map(([id]) => !known.has(id)))
          for (const [id] of rows) if (!known.has(id)) known.set(id, at)
        }
        const found = database.prepare('select id, value from things').all()
        expect(new Map(found.map(({ id, value }) => [id as string, value as number]))).toEqual(known)
      } finally {
        database.close()
      }
    }),
    { numRuns: 60 },
  )
})
