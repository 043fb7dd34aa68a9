import { type Migration, run } from './migration.ts'

/** Calls by their status, but for those that went well, and by why another target was asked: few of all, so these cost few writes. */
export const indexStatusesAndReasons: Migration = (db, name) => {
  const bytes = name === 'postgres' ? 'collate "C"' : ''
  return run(
    db,
    `create index calls_status on calls (coalesce(status, 0), started_at, id ${bytes}) where coalesce(status, 0) <> 200`,
    `create index calls_reason on calls (fallback_reason, started_at, id ${bytes}) where fallback_reason is not null`,
  )
}
