import { type Kysely, sql } from 'kysely'

/**
 * In memory there are calls for which these cost more than they save: each is written with every call, and removed with it soon after.
 * Without them a filter looks through the newest calls, 100,000 of them in some 60 ms.
 */
const indexes = ['calls_model_asked', 'calls_tenant', 'calls_target'] as const

/** Removes the indexes that only pages of calls by filter read from a database that ends with its process. */
export async function dropFilterIndexes<T>(db: Kysely<T>): Promise<void> {
  for (const index of indexes) await sql`drop index if exists ${sql.ref(index)}`.execute(db)
}
