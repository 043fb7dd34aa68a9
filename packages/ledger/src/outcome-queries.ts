import { type RawBuilder, sql } from 'kysely'
import { type Db, from, type Row, run, sum } from './rollup-sql.ts'
import { stepsOf } from './series.ts'
import { spansOf, wholeMinutes } from './time-spans.ts'
import type { Facet, Facets, MatchingCalls, OutcomeFilter, TimeRange } from './views.ts'

/** Values of a facet at most, the most frequent ones. */
const mostValues = 50

const dimensions: readonly Facet[] = ['model', 'tenant', 'target', 'failure', 'status', 'reason']

/**
 * How many calls there are by each value of each facet. A facet counts what all other filters let through, so that its own values can
 * be compared.
 */
export async function facets(
  db: Db,
  asked: TimeRange,
  filter: OutcomeFilter,
): Promise<Omit<Facets, 'session'>> {
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
  return Object.fromEntries(await Promise.all(counted)) as unknown as Omit<Facets, 'session'>
}

/**
 * How many calls a filter lets through, in equal steps of a range.
 * @throws RangeError for steps that are not 1 to 1000
 */
export async function matchingCalls(
  db: Db,
  asked: TimeRange,
  steps: number,
  filter: OutcomeFilter,
): Promise<MatchingCalls> {
  const { times, spans, step } = stepsOf('matchingCalls', asked, steps)
  const rows = await run<Row>(
    db,
    sql`select ${step} as step, ${sum('calls', 'calls')}, ${sum(`case when ${isProblem} then calls else 0 end`, 'problems')}
      from ${from('outcome_rollups', spans)} where ${conditionsOf(filter)} group by 1`,
  )
  const found = new Map(rows.map((row) => [Number(row.step), row]))
  const each = (name: 'calls' | 'problems'): number[] =>
    times.map((_, index) => Number(found.get(index)?.[name] ?? 0))
  return { times, calls: each('calls'), problems: each('problems') }
}

const isProblem = `(failure not in ('', 'cancelled') or reason <> '')`

function conditionsOf({ problems, ...equal }: OutcomeFilter): RawBuilder<unknown> {
  const all = Object.entries(equal)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => sql`${sql.ref(name)} = ${value}`)
  if (problems) all.push(sql.raw(isProblem))
  return all.length === 0 ? sql`1 = 1` : sql.join(all, sql` and `)
}
