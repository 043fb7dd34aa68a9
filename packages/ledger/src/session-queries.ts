import { sql } from 'kysely'
import { checkWhole } from './check-whole.ts'
import { eachRow } from './interruptible.ts'
import { type Db, from, money, run, sum } from './rollup-sql.ts'
import { grains } from './rollups.ts'
import { spansOf, whole } from './time-spans.ts'
import type { SessionOrder, SessionRow, TimeRange } from './views.ts'

const orders: Readonly<Record<SessionOrder, string>> = {
  cost: 'sum(cost_nano) desc, sum(calls) desc',
  calls: 'sum(calls) desc, sum(cost_nano) desc',
  errors: 'sum(errors) desc, sum(calls) desc',
  recent: 'max(at) desc, sum(calls) desc',
}

/**
 * The first conversations in an order.
 * @throws RangeError for a limit that is not 1 to 1000
 */
export async function sessions(
  db: Db,
  asked: TimeRange,
  order: SessionOrder,
  limit: number,
): Promise<SessionRow[]> {
  checkWhole('sessions: limit', limit, 1000)
  const range = whole(asked, grains.hour)
  // By whole days the newest ones of a day would be in no order.
  const spans = spansOf(range, order === 'recent' ? grains.hour : grains.day)
  const rows = await run<SessionRow>(
    db,
    sql`select session, max(tenant) as tenant, ${sum('calls', 'calls')}, ${sum('errors', 'errors')},
        ${sum('attempts', 'attempts')}, ${sum('input_tokens', 'input')}, ${sum('output_tokens', 'output')},
        ${money('cost_nano', 'costNano')}, ${sum('unpriced', 'unpriced')}, cast(max(at) as bigint) as "lastAt"
      from ${from('session_rollups', spans)} group by session
      order by ${sql.raw(orders[order])}, session limit ${sql.lit(limit)}`,
  )
  const last = await lastCalls(
    db,
    rows.map(({ session }) => session),
    range,
  )
  const found = rows.map((row) => ({ ...row, lastAt: last.get(row.session) ?? Number(row.lastAt) }))
  return order === 'recent' ? found.sort((a, b) => b.lastAt - a.lastAt) : found
}

/** When the last calls of conversations began, where they are still kept one by one. */
async function lastCalls(
  db: Db,
  sessions: readonly string[],
  { from: begin, to }: TimeRange,
): Promise<ReadonlyMap<string, number>> {
  if (sessions.length === 0) return new Map()
  const rows = await run<{ session: string; last: number }>(
    db,
    sql`select session, cast(max(started_at) as bigint) as last from calls
      where ${eachRow} session in (${sql.join(sessions)}) and started_at >= ${begin} and started_at < ${to} group by session`,
  )
  return new Map(rows.map(({ session, last }) => [session, Number(last)]))
}
