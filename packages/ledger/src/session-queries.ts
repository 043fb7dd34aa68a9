import { sql } from 'kysely'
import { checkWhole } from './check-whole.ts'
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
  return run<SessionRow>(
    db,
    sql`select session, max(tenant) as tenant, ${sum('calls', 'calls')}, ${sum('errors', 'errors')},
        ${sum('attempts', 'attempts')}, ${sum('input_tokens', 'input')}, ${sum('output_tokens', 'output')},
        ${money('cost_nano', 'costNano')}, ${sum('unpriced', 'unpriced')}, cast(max(at) as bigint) as "lastHour"
      from ${from('session_rollups', spansOf(whole(asked, grains.hour)))} group by session
      order by ${sql.raw(orders[order])}, session limit ${sql.lit(limit)}`,
  )
}
