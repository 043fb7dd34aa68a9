import { type RawBuilder, sql } from 'kysely'
import { type Db, from, type Row, run, sum } from './rollup-sql.ts'
import { spansOf, wholeMinutes } from './time-spans.ts'
import type { Facet, Facets, OutcomeFilter, TimeRange } from './views.ts'

/** Values of a facet at most, the most frequent ones. */
const mostValues = 50

const dimensions: readonly Facet[] = ['model', 'tenant', 'target', 'failure', 'status', 'reason']

/**
 * How many calls there are by each value of each facet. A facet counts what all other filters let through, so that its own values can
 * be compared.
 */
export async function facets(db: Db, asked: TimeRange, filter: OutcomeFilter): Promise<Facets> {
  const table = from('outcome_rollups', spansOf(wholeMinutes(asked)))
  const counted = dimensions.map(async (name) => {
    const { [name]: _, ...others } = filter
    const conditions = conditionsOf(others)
    const rows = await run<Row>(
      db,
      sql`select ${sql.ref(name)} as value, ${sum('calls', 'calls')} from ${table} where ${conditions}
        group by 1 order by 2 desc, 1 limit ${sql.lit(mostValues)}`,
    )
    return [name, rows.map(({ value, calls }) => ({ value: String(value), calls: Number(calls) }))] as const
  })
  return Object.fromEntries(await Promise.all(counted)) as unknown as Facets
}

function conditionsOf({ problems, ...equal }: OutcomeFilter): RawBuilder<unknown> {
  const all = Object.entries(equal)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => sql`${sql.ref(name)} = ${value}`)
  if (problems) all.push(sql`(failure not in ('', 'cancelled') or reason <> '')`)
  return all.length === 0 ? sql`1 = 1` : sql.join(all, sql` and `)
}
