import { type RawBuilder, sql } from 'kysely'

/**
 * Any number of rows as one parameter, so that neither side has to build and parse thousands of them:
 * `select COLUMNS from …`, to stand behind an `insert into`.
 */
export function rowsAsJson(
  database: 'sqlite' | 'postgres',
  columns: Readonly<Record<string, string>>,
  rows: readonly object[],
): RawBuilder<unknown> {
  const names = Object.entries(columns)
  const json = JSON.stringify(rows)
  return database === 'sqlite'
    ? sql`select ${sql.join(names.map(([name]) => sql`value ->> ${sql.lit(name)}`))} from json_each(${json}) where true`
    : sql`select ${sql.join(names.map(([name]) => sql.ref(name)))} from json_to_recordset(${json}::json) as r(${sql.join(names.map(([name, type]) => sql`${sql.ref(name)} ${sql.raw(type)}`))})`
}
