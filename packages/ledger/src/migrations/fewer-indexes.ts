import { type Migration, run } from './migration.ts'

/** Each index is written with every call: one that is never read, and one that is read for failures alone. */
export const dropIndexes: Migration = (db, name) =>
  run(
    db,
    'drop index attempts_call_id',
    'drop index calls_failure',
    `create index calls_failure on calls (failure, started_at, id ${name === 'postgres' ? 'collate "C"' : ''})
      where failure is not null`,
  )
