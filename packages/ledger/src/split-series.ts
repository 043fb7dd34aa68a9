import { type RawBuilder, sql } from 'kysely'
import { largestTotals } from './rollup-queries.ts'
import { type Db, from, histograms, money, percentiles, type Row, run, sum } from './rollup-sql.ts'
import { grains } from './rollups.ts'
import { spansOf, stepOf, wholeMinutes } from './time-spans.ts'
import type { SplitSeries, TimeRange } from './views.ts'

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
  if (!(Number.isInteger(steps) && steps >= 1 && steps <= 1000))
    throw new RangeError(`splitSeries: steps must be a whole number from 1 to 1000, but is ${steps}`)
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= 20))
    throw new RangeError(`splitSeries: limit must be a whole number from 1 to 20, but is ${limit}`)
  const range = wholeMinutes(asked)
  const { step, grain } = stepOf(range, steps)
  const begin = Math.floor(range.from / step) * step
  const { rows, other } = await largestTotals(db, by, asked, limit)
  const shown = rows.map(({ key }) => key)
  const times = Array.from(
    { length: Math.max(0, Math.ceil((range.to - begin) / step)) },
    (_, n) => begin + n * step,
  )
  if (shown.length === 0) return { by, times, series: [] }
  const spans = spansOf(
    grain === grains.minute ? range : { from: Math.floor(range.from / grain) * grain, to: range.to },
    grain,
  )
  // A group is its place among those shown; -1 for all others.
  const cases = sql.join(
    shown.map((key, place) => sql`when ${key} then ${sql.lit(place)}`),
    sql` `,
  )
  const group = sql`case ${sql.ref(by)} ${cases} else -1 end`
  const at = sql`cast((at - ${sql.lit(begin)}) / ${sql.lit(step)} as bigint)`
  const counts = sql.join(['calls', 'errors', 'fallbacks'].map((name) => sum(name, name)))
  const latencyTable = by === 'tenant' ? 'tenant_latency_rollups' : 'latency_rollups'
  const ask = (what: RawBuilder<unknown>, table: 'call_rollups' | 'usage_rollups') =>
    run<Row>(
      db,
      sql`select ${group} as place, ${at} as step, ${what} from ${from(table, spans)} group by 1, 2`,
    )
  // One number for all that is grouped by: there are many rows, which databases sort by it in half the time.
  const packed = sql`((${at} * ${sql.lit(places)} + ${group}) * 2 + case measure when 'total' then 1 else 0 end)
    * ${sql.lit(mostBuckets)} + bucket + ${sql.lit(mostBuckets / 2)}`
  const isShown = sql`${sql.ref(by)} in (${sql.join(shown)})`
  const [calls, costs, packs] = await Promise.all([
    ask(counts, 'call_rollups'),
    ask(sql`${money('cost_nano', 'costNano')}`, 'usage_rollups'),
    run<Row>(
      db,
      sql`select ${packed} as packed, ${sum('calls', 'calls')} from ${from(latencyTable, spans)} where ${isShown} group by 1`,
    ),
  ])
  const latencies = packs.map(unpacked)
  const seriesOf = (place: number) => {
    const ofPlace = (rows: readonly Row[]): Row[] => rows.filter((row) => Number(row.place) === place)
    const callsAt = new Map(ofPlace(calls).map((row) => [Number(row.step), row]))
    const costAt = new Map(ofPlace(costs).map((row) => [Number(row.step), row]))
    const latencyAt = histograms(ofPlace(latencies), 'step')
    return times.map((time, index) => {
      const row = callsAt.get(index)
      return {
        at: time,
        calls: Number(row?.calls ?? 0),
        errors: Number(row?.errors ?? 0),
        fallbacks: Number(row?.fallbacks ?? 0),
        costNano: String(costAt.get(index)?.costNano ?? '0'),
        ...percentiles(latencyAt.get(index)),
      }
    })
  }
  const overall = (place: number) => percentiles(histograms(wholeRange(latencies, place), 'key').get(place))
  const series = shown.map((key, place) => ({ key, ...overall(place), points: seriesOf(place) }))
  return { by, times, series, ...(other && { other: { groups: other.groups, points: seriesOf(-1) } }) }
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

/** Latencies of one group over all steps. */
function wholeRange(latencies: readonly Row[], place: number): Row[] {
  const rows = new Map<string, { key: number; measure: string; bucket: number; calls: number }>()
  for (const row of latencies) {
    if (Number(row.place) !== place) continue
    const at = `${row.measure} ${row.bucket}`
    const found = rows.get(at)
    if (found !== undefined) found.calls += Number(row.calls)
    else
      rows.set(at, {
        ...{ key: place, measure: String(row.measure) },
        ...{ bucket: Number(row.bucket), calls: Number(row.calls) },
      })
  }
  return [...rows.values()]
}
