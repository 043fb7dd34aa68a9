import { type Kysely, sql, type Transaction } from 'kysely'
import type { AuditTables } from './audit-marks.ts'
import type { DatabaseKind } from './database.ts'
import { explainLock, longestLockWait, migrationLock } from './migration-locks.ts'
import { createAudit } from './migrations/audit.ts'
import { createAuditVersion2 } from './migrations/audit-version-2.ts'
import { createCalls } from './migrations/calls.ts'
import { addComparisonsAndChanges } from './migrations/comparisons-and-changes.ts'
import { sumEstimatedTokens } from './migrations/estimated-tokens.ts'
import { dropIndexes } from './migrations/fewer-indexes.ts'
import type { Migration } from './migrations/migration.ts'
import { createOwners } from './migrations/owners.ts'
import { addSessionsAndOutcomes } from './migrations/sessions-and-outcomes.ts'
import { indexStatusesAndReasons } from './migrations/statuses-and-reasons.ts'
import { createSums } from './migrations/sums.ts'
import { addVendorCodes } from './migrations/vendor-codes.ts'
import type { RollupTable } from './rollups.ts'
import type { Tables } from './rows.ts'

type RollupTables = { readonly [T in RollupTable]: Readonly<Record<string, string | number>> }

/** Everything in the database. */
export type Schema = Tables & AuditTables & RollupTables & { readonly ledger_version: { version: number } }

export type DatabaseName = DatabaseKind['name']

/** Each runs once, in this order, which is part of the database: new ones go to the end. */
const migrations: readonly Migration[] = [
  createCalls,
  createAudit,
  createSums,
  dropIndexes,
  sumEstimatedTokens,
  createAuditVersion2,
  addVendorCodes,
  addSessionsAndOutcomes,
  createOwners,
  indexStatusesAndReasons,
  addComparisonsAndChanges,
]

/**
 * Brings the schema up to date, one process at a time.
 * @throws Error with `code` `SPILLWAY_LEDGER_LOCKED` when another session holds a lock for too long; nothing is changed then
 */
export async function migrate(
  db: Kysely<Schema>,
  kind: DatabaseKind,
  lockWait: number = longestLockWait,
): Promise<void> {
  try {
    await runMigrations(db, kind, lockWait)
  } catch (error) {
    throw kind.name === 'postgres' ? await explainLock(db, error, lockWait) : error
  }
}

async function runMigrations(db: Kysely<Schema>, kind: DatabaseKind, lockWait: number): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    if (kind.name === 'postgres') {
      await sql`set local lock_timeout = ${sql.lit(lockWait)}`.execute(transaction)
      await sql`select pg_advisory_xact_lock(${migrationLock})`.execute(transaction)
      // It may have millions of rows to go through.
      await sql`set local statement_timeout = 0`.execute(transaction)
    }
    await transaction.schema
      .createTable('ledger_version')
      .ifNotExists()
      .addColumn('version', 'integer', (column) => column.primaryKey())
      .execute()
    const done = await transaction.selectFrom('ledger_version').select('version').execute()
    for (const [version, run] of migrations.entries()) {
      if (done.some((row) => row.version === version)) continue
      await run(transaction as unknown as Transaction<unknown>, kind.name)
      await transaction.insertInto('ledger_version').values({ version }).execute()
    }
  })
}

/**
 * Looks at the schema and changes nothing.
 * @throws Error when this is no ledger's database, or one without an audit log
 */
export async function mustBeLedger(db: Kysely<Schema>): Promise<void> {
  const tables = await db.introspection.getTables()
  const missing = ['ledger_version', 'audit'].find((table) => !tables.some(({ name }) => name === table))
  if (missing === undefined) return
  const message =
    missing === 'audit'
      ? 'this database is of a version that had no audit log yet: start a gateway with it once'
      : 'there is no ledger in this database: nothing was ever booked here, or it is another one'
  throw Object.assign(new Error(message), { code: 'SPILLWAY_LEDGER_MISSING' })
}
