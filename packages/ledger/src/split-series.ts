import { type RawBuilder, sql } from 'kysely'
import { checkWhole } from './check-whole.ts'
import { largestTotals } from './rollup-queries.ts'
import { type Db, from, histograms, percentiles, type Row, run, sum } from './rollup-sql.ts'
import { pointsOf, stepCost, stepCounts, stepsOf } from './series.ts'
import type { SeriesPoint, SplitSeries, TimeRange } from './views.ts'

/**
 * The range in equal steps, for each of the `limit` groups that cost most and for the sum of all others, which has no latencies.
 * @throws RangeError for steps that are not 1 to 1000, or a limit that is not 1 to 20
 */
export async function splitSeries(
  db: Db,
  asked: TimeRange,
  steps: number,
  by: SplitSeries['by'],
  limit: number,
): Promise<SplitSeries> {
  checkWhole('splitSeries: limit', limit, 20)
  const { times, spans, step } = stepsOf('splitSeries', asked, steps)
  const { rows, other } = await largestTotals(db, by, asked, limit)
  const shown = rows.map(({ key }) => key)
  if (shown.length === 0) return { by, times, series: [] }
  // A group is its place among those shown; -1 for all others.
  const cases = sql.join(
    shown.map((key, place) => sql`when ${key} then ${sql.lit(place)}`),
    sql` `,
  )
  const group = sql`case ${sql.ref(by)} ${cases} else -1 end`
  const latencyTable = by === 'tenant' ? 'tenant_latency_rollups' : 'latency_rollups'
  const ask = (what: RawBuilder<unknown>, table: 'call_rollups' | 'usage_rollups') =>
    run<Row>(
      db,
      sql`select ${group} as place, ${step} as step, ${what} from ${from(table, spans)} group by 1, 2`,
    )
  // One number for all that is grouped by: there are many rows, which databases sort by it in half the time.
  const packed = sql`((${step} * ${sql.lit(places)} + ${group}) * 2 + case measure when 'total' then 1 else 0 end)
    * ${sql.lit(mostBuckets)} + bucket + ${sql.lit(mostBuckets / 2)}`
  const isShown = sql`${sql.ref(by)} in (${sql.join(shown)})`
  const [calls, costs, packs] = await Promise.all([
    ask(stepCounts, 'call_rollups'),
    ask(stepCost, 'usage_rollups'),
    run<Row>(
      db,
      sql`select ${packed} as packed, ${sum('calls', 'calls')} from ${from(latencyTable, spans)} where ${isShown} group by 1`,
    ),
  ])
  const latencies = packs.map(unpacked)
  const pointsOfPlace = (place: number): SeriesPoint[] => {
    const own = (rows: readonly Row[]): Row[] => rows.filter((row) => Number(row.place) === place)
    return pointsOf(times, { calls: own(calls), costs: own(costs), latencies: own(latencies) })
  }
  const overall = histograms(latencies, 'place')
  const series = shown.map((key, place) => ({
    key,
    ...percentiles(overall.get(place)),
    points: pointsOfPlace(place),
  }))
  return { by, times, series, ...(other && { other: { groups: other.groups, points: pointsOfPlace(-1) } }) }
}

/** More than groups that are shown, and more than twice the bucket of any duration: numbers that are packed into one. */
const places = 32
const mostBuckets = 16_384

function unpacked({ packed, calls = 0 }: Row): Row {
  const rest = Math.floor(Number(packed) / mostBuckets)
  const group = Math.floor(rest / 2)
  return {
    bucket: (Number(packed) % mostBuckets) - mostBuckets / 2,
    measure: rest % 2 === 1 ? 'total' : 'first_content',
    place: group % places,
    step: Math.floor(group / places),
    calls,
  }
}
