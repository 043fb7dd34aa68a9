import { sql, type Transaction } from 'kysely'
import type { DatabaseKind } from '../database.ts'

/**
 * One step of the schema. It runs once in a database, maybe years after it was written, so it is frozen: it depends on no
 * column list, table or function of today's code, and it never changes after it was published.
 */
export type Migration = (db: Transaction<unknown>, name: DatabaseKind['name']) => Promise<void>

/** Runs statements one after the other. */
export async function run(db: Transaction<unknown>, ...statements: readonly string[]): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
