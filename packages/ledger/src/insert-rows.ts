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
 * Inserts rows that have an `id`, their first column, each once; those that are there already are left as they are.
 * @returns those that are new
 */
export async function insertNew<T, Row extends { readonly id: string }>(
  db: Kysely<T>,
  kind: DatabaseKind,
  insertion: Insertion & { readonly rows: readonly Row[] },
): Promise<readonly Row[]> {
  const rows: readonly Row[] = insertion.rows
  const end = 'on conflict (id) do nothing'
  if (kind.inserts !== undefined) {
    const { table } = insertion
    const isNew = kind.inserts().runNew(table, { into: insertInto(insertion), end }, values(insertion))
    return isNew.includes(false) ? rows.filter((_, index) => isNew[index]) : rows
  }
  const { rows: found } = await sql<{ id: string }>`${sql.raw(insertInto(insertion))}
    ${selectFromJson(insertion)} ${sql.raw(end)} returning id`.execute(db)
  if (found.length === rows.length) return rows
  const ids = new Set(found.map(({ id }) => id))
  return rows.filter(({ id }) => ids.has(id))
}

/** Inserts rows; one that is there already is an error, and none is inserted. */
export async function insertAll<T>(db: Kysely<T>, kind: DatabaseKind, insertion: Insertion): Promise<void> {
  await insert(db, kind, insertion, '')
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
  await insert(db, kind, insertion, `on conflict (${keys.join(', ')}) do update set ${added.join(', ')}`)
}

async function insert<T>(
  db: Kysely<T>,
  kind: DatabaseKind,
  insertion: Insertion,
  end: string,
): Promise<void> {
  const into = insertInto(insertion)
  if (kind.inserts !== undefined) kind.inserts().run({ into, end }, values(insertion))
  else await sql`${sql.raw(into)} ${selectFromJson(insertion)} ${sql.raw(end)}`.execute(db)
}

const names = ({ columns }: Insertion): string[] => Object.keys(columns)

const insertInto = (insertion: Insertion): string =>
  `insert into ${insertion.table} (${names(insertion).join(', ')})`

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
