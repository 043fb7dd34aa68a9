import type { DatabaseSync } from 'node:sqlite'
import { type RawBuilder, sql } from 'kysely'

const marker = '/* each row */'

/**
 * Goes before the conditions of a statement that may read many rows. SQLite has no time limit for statements, and a thread
 * that is ended does not end the statement that it runs; a function that is asked with each row can end it. For PostgreSQL,
 * which has a limit, it is a comment.
 */
export const eachRow: RawBuilder<unknown> = sql.raw(marker)

/** The text of a statement for a database of {@link interruptWith}. */
export function interruptible(text: string): string {
  return text.replaceAll(marker, 'not is_interrupted() and')
}

/** Lets statements end while they run. */
export function interruptWith(database: DatabaseSync, isInterrupted: () => boolean): void {
  database.function('is_interrupted', () => {
    if (isInterrupted()) throw new Error('the read was interrupted')
    return 0
  })
}
