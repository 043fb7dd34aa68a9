import { type Kysely, sql } from 'kysely'
import type { DatabaseKind } from './database.ts'

/** Rows on their way into one table. */
export interface Insertion {
  readonly table: string
  /** All columns, and their types in PostgreSQL's words. */
  readonly columns: Readonly<Record<string, string>>
  readonly rows: readonly object[]
}

/**
 * Inserts rows that have an `id`; those that are there already are left as they are.
 * @returns the ids of those that are new
 */
export async function insertNew<T>(
  db: Kysely<T>,
  kind: DatabaseKind,
  insertion: Insertion,
): Promise<ReadonlySet<string>> {
  const conflict = 'on conflict (id) do nothing'
  if (kind.runEach !== undefined) {
    const changes = kind.runEach(
      `${insertInto(insertion)} ${placeholders(insertion)} ${conflict}`,
      values(insertion),
    )
    return new Set(
      insertion.rows.filter((_, index) => changes[index] === 1).map((row) => (row as { id: string }).id),
    )
  }
  const { rows } = await sql<{ id: string }>`${sql.raw(insertInto(insertion))} ${selectFromJson(insertion)}
    ${sql.raw(conflict)} returning id`.execute(db)
  return new Set(rows.map(({ id }) => id))
}

/** Inserts rows; one that is there already is an error, and none is inserted. */
export async function insertAll<T>(db: Kysely<T>, kind: DatabaseKind, insertion: Insertion): Promise<void> {
  if (kind.runEach !== undefined)
    kind.runEach(`${insertInto(insertion)} ${placeholders(insertion)}`, values(insertion))
  else await sql`${sql.raw(insertInto(insertion))} ${selectFromJson(insertion)}`.execute(db)
}

/** Inserts rows, or adds their sums to those of the row with the same keys. */
export async function insertOrAdd<T>(
  db: Kysely<T>,
  kind: DatabaseKind,
  insertion: Insertion,
  keys: readonly string[],
  sums: readonly string[],
): Promise<void> {
  const added = sums.map((name) => `${name} = ${insertion.table}.${name} + excluded.${name}`)
  const conflict = `on conflict (${keys.join(', ')}) do update set ${added.join(', ')}`
  if (kind.runEach !== undefined)
    kind.runEach(`${insertInto(insertion)} ${placeholders(insertion)} ${conflict}`, values(insertion))
  else
    await sql`${sql.raw(insertInto(insertion))} ${selectFromJson(insertion)} ${sql.raw(conflict)}`.execute(db)
}

const names = ({ columns }: Insertion): string[] => Object.keys(columns)

const insertInto = (insertion: Insertion): string =>
  `insert into ${insertion.table} (${names(insertion).join(', ')})`

const placeholders = (insertion: Insertion): string =>
  `values (${names(insertion)
    .map(() => '?')
    .join(', ')})`

function values(insertion: Insertion): unknown[][] {
  const columns = names(insertion)
  return (insertion.rows as Record<string, unknown>[]).map((row) => columns.map((name) => row[name] ?? null))
}

/** All rows as one parameter: one message to the server, and no thousands of parameters on either side. */
function selectFromJson({ columns, rows }: Insertion) {
  const types = Object.entries(columns).map(([name, type]) => `${name} ${type}`)
  return sql`select ${sql.raw(Object.keys(columns).join(', '))}
    from json_to_recordset(${JSON.stringify(rows)}::json) as r(${sql.raw(types.join(', '))})`
}
