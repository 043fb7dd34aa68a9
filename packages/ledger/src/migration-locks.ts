import { type Kysely, sql } from 'kysely'
import type { Schema } from './migrations.ts'
import { rollupTables } from './rollups.ts'
import { columns } from './rows.ts'

/** The number of the lock that one migrating process holds; any other would do. */
export const migrationLock = 7_747_455

/**
 * How long a migration waits for each lock, in milliseconds. Whoever wants a table after it waits behind it, so it must not
 * wait for long; it is tried again with the next rows.
 */
export const longestLockWait = 5000

/** PostgreSQL's code for a lock that was not to be had in time. */
const lockNotAvailable = '55P03'

/** Sessions that are named at most. */
const mostNamed = 3

interface Holder {
  readonly pid: number
  readonly application: string
  readonly state: string | null
  readonly what: string
}

/** What an administrator looks at; also what is looked up here. */
const holders = `select a.pid, a.application_name as application, a.state,
    coalesce(min(l.relation::regclass::text), 'the migration lock') as what
  from pg_locks l join pg_stat_activity a on a.pid = l.pid`

/** An error of a migration; one about a lock is told in words, with the sessions that are in its way. */
export async function explainLock(db: Kysely<Schema>, error: unknown, lockWait: number): Promise<unknown> {
  if ((error as { code?: unknown }).code !== lockNotAvailable) return error
  const found = await findHolders(db).catch(() => [])
  const who = found.slice(0, mostNamed).map(describeHolder).join('; ')
  const message = `the tables of the ledger could not be brought up to date within ${lockWait} ms: ${
    found.length === 0 ? 'another session held a lock on them' : `locks are held by ${who}`
  }; end that session (select pg_terminate_backend(PID)) or wait, the next try comes by itself; pg_locks shows all`
  return Object.assign(new Error(message, { cause: error }), { code: 'SPILLWAY_LEDGER_LOCKED' })
}

function describeHolder({ pid, application, state, what }: Holder): string {
  return `PID ${pid} (${application || 'no application name'}, ${state ?? 'state unknown'}, ${what})`
}

/** Whoever holds a lock on a table of the ledger, or is migrating it. */
async function findHolders(db: Kysely<Schema>): Promise<readonly Holder[]> {
  const tables = [
    ...Object.keys(columns),
    ...Object.keys(rollupTables),
    'audit',
    'audit_marks',
    'ledger_version',
  ]
  // A transaction has a time limit.
  const { rows } = await db.transaction().execute((transaction) =>
    sql<Holder>`${sql.raw(holders)}
      where l.granted and a.datname = current_database() and l.pid <> pg_backend_pid()
        and (l.relation in (select c.oid from pg_class c
            where c.relnamespace = current_schema()::regnamespace and c.relname = any(${tables}))
          or (l.locktype = 'advisory' and l.objid = ${migrationLock}::bigint::oid))
      group by a.pid, a.application_name, a.state, a.xact_start order by a.xact_start limit ${mostNamed}`.execute(
      transaction,
    ),
  )
  return rows
}
