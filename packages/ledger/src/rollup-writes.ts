import { type Kysely, sql } from 'kysely'
import { type RollupTable, rollUp, rollupTables } from './rollups.ts'
import type { Entry } from './rows.ts'
import { rowsAsJson } from './rows-as-json.ts'

/** Adds entries to the sums. They must be new, and the transaction the one that writes them. */
export async function writeRollups<T>(
  db: Kysely<T>,
  database: 'sqlite' | 'postgres',
  entries: readonly Entry[],
): Promise<void> {
  for (const [table, rows] of rollUp(entries)) {
    const { keys, columns, sums } = shape(table)
    const list = sql.join(Object.keys(columns).map((name) => sql.ref(name)))
    const added = sums.map(
      (name) => sql`${sql.ref(name)} = ${sql.ref(`${table}.${name}`)} + ${sql.ref(`excluded.${name}`)}`,
    )
    await sql`insert into ${sql.table(table)} (${list}) ${rowsAsJson(database, columns, rows)}
      on conflict (${sql.join(keys.map((name) => sql.ref(name)))}) do update set ${sql.join(added)}`.execute(
      db,
    )
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
