import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'

/** Rows in one statement: more save nothing, and each number of rows needs its own statement. */
const rowsAtOnce = 50

/** An insertion around its rows: `insert into …`, and what follows `values (…), (…)`. */
export interface InsertText {
  readonly into: string
  readonly end: string
}

/** Inserts into SQLite, within the transaction that is open. */
export interface SqliteInserts {
  /** @param rows the values of each */
  run(text: InsertText, rows: readonly (readonly unknown[])[]): void
  /**
   * The same into a table with an `id`, for a text that leaves rows as they are which are there already.
   * @returns whether each row is new
   */
  runNew(table: string, text: InsertText, rows: readonly (readonly unknown[])[]): boolean[]
}

/**
 * Statements are prepared once: preparing costs more than running them, and a batch has hundreds of rows.
 * @param giveWay called after each statement
 */
export function sqliteInserts(database: DatabaseSync, giveWay?: () => void): SqliteInserts {
  const statements = new Map<string, StatementSync>()
  const prepared = (sql: string): StatementSync => {
    const statement = statements.get(sql) ?? database.prepare(sql)
    statements.set(sql, statement)
    return statement
  }
  const insert = (
    { into, end }: InsertText,
    rows: readonly (readonly unknown[])[],
    onInserted?: (count: number, changes: number, lastRow: number) => void,
  ): void => {
    const row = `(${Array.from(rows[0] ?? [], () => '?').join(', ')})`
    const text = (count: number): string => `${into} values ${Array(count).fill(row).join(', ')} ${end}`
    const many = rows.length < rowsAtOnce ? undefined : prepared(text(rowsAtOnce))
    const one = rows.length % rowsAtOnce === 0 ? undefined : prepared(text(1))
    for (let from = 0; from < rows.length; ) {
      const isMany = from + rowsAtOnce <= rows.length
      const count = isMany ? rowsAtOnce : 1
      const values = isMany ? rows.slice(from, from + count).flat() : rows[from]
      const { changes, lastInsertRowid } = ((isMany ? many : one) as StatementSync).run(
        ...(values as SQLInputValue[]),
      )
      onInserted?.(count, Number(changes), Number(lastInsertRowid))
      from += count
      giveWay?.()
    }
  }
  return {
    run: insert,
    runNew(table, text, rows) {
      const isNew: boolean[] = []
      insert(text, rows, (count, changes, lastRow) => {
        if (changes === count || changes === 0)
          return void isNew.push(...Array<boolean>(count).fill(changes > 0))
        // SQLite numbers rows one after the other, so the last ones of the table are those of this statement.
        const found = prepared(`select id from ${table} where rowid > ?`).all(lastRow - changes)
        const ids = new Set(found.map(({ id }) => id))
        for (const [id] of rows.slice(isNew.length, isNew.length + count)) isNew.push(ids.has(id as string))
      })
      return isNew
    },
  }
}
