import { type Kysely, sql } from 'kysely'
import { checkWhole } from './check-whole.ts'
import { eachRow } from './interruptible.ts'
import type { Schema } from './migrations.ts'
import type { ChangeRow } from './rows.ts'
import { latest } from './time-spans.ts'
import type { TimeRange } from './views.ts'

/**
 * What has become of circuits, limits and endpoints, newest first.
 * @throws RangeError for a limit that is not 1 to 1000
 */
export async function changes(db: Kysely<Schema>, range: TimeRange, limit: number): Promise<ChangeRow[]> {
  checkWhole('changes: limit', limit, 1000)
  const { rows } = await sql<ChangeRow>`select * from changes
    where ${eachRow} started_at >= ${Math.floor(range.from)} and started_at < ${Math.ceil(Math.min(range.to, latest))}
    order by started_at desc, id desc limit ${sql.lit(limit)}`.execute(db)
  return rows
}
