import type { Kysely } from 'kysely'
import type { DatabaseKind } from './database.ts'
import { insertOrAdd } from './insert-rows.ts'
import { type RollupTable, rollUp, rollupTables } from './rollups.ts'
import type { Entry } from './rows.ts'

/** Adds entries to the sums. They must be new, and the transaction the one that writes them. */
export async function writeRollups<T>(
  db: Kysely<T>,
  kind: DatabaseKind,
  entries: readonly Entry[],
): Promise<void> {
  for (const [table, rows] of rollUp(entries)) {
    const { keys, columns, sums } = shape(table)
    await insertOrAdd(db, kind, { table, columns, rows }, keys, sums)
  }
}

function shape(table: RollupTable): {
  keys: readonly string[]
  sums: readonly string[]
  columns: Record<string, string>
} {
  const { keys, sums } = rollupTables[table]
  const columns: Record<string, string> = { grain: 'bigint', at: 'bigint', ...keys }
  const keyNames = Object.keys(columns)
  for (const name of sums) columns[name] = 'bigint'
  return { keys: keyNames, sums, columns }
}
