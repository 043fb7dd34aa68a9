import { type Kysely, sql } from 'kysely'
import { similarityUnit } from './comparison-rollups.ts'
import { eachRow } from './interruptible.ts'
import type { Schema } from './migrations.ts'
import { compare, type Db, from, histograms, percentiles, type Row, run, sum } from './rollup-sql.ts'
import type { ComparisonRow } from './rows.ts'
import { latest, spansOf, wholeMinutes } from './time-spans.ts'
import type { ComparedSide, ComparedTargets, ComparisonView, TimeRange } from './views.ts'

/** Single comparisons of each pair, the newest. */
const shownComparisons = 20

/** Pairs of targets that were compared in a range, each with the sums of both sides and its newest comparisons. */
export async function comparisons(db: Db, asked: TimeRange): Promise<ComparedTargets[]> {
  const spans = spansOf(wholeMinutes(asked))
  const [sums, latencies] = await Promise.all([
    run<Row>(
      db,
      sql`select from_target, to_target, side, ${sum('comparisons', 'comparisons')}, ${sum('failures', 'failures')},
          ${sum('output_tokens', 'output')}, cast(cast(sum(cost_nano) as bigint) as text) as cost,
          ${sum('priced', 'priced')}, ${sum('compared', 'compared')}, ${sum('similarity_ppm', 'similarity')}
        from ${from('comparison_rollups', spans)} group by 1, 2, 3`,
    ),
    run<Row>(
      db,
      sql`select from_target, to_target, side, measure, bucket, ${sum('calls', 'calls')}
        from ${from('comparison_latency_rollups', spans)} group by 1, 2, 3, 4, 5`,
    ),
  ])
  const pairs = new Map(sums.map((row) => [pairOf(row), row]))
  const all = [...pairs].map(
    async ([pair, { from_target, to_target, comparisons, compared, similarity }]) => {
      const side = (name: 'primary' | 'candidate'): ComparedSide => {
        const isOf = (row: Row): boolean => pairOf(row) === pair && row.side === name
        const row = sums.find(isOf)
        const times = latencies.filter(isOf).map((each) => ({ ...each, key: '' }))
        return {
          failures: Number(row?.failures ?? 0),
          outputTokens: Number(row?.output ?? 0),
          costNano: Number(row?.priced ?? 0) === 0 ? null : String(row?.cost),
          ...percentiles(histograms(times, 'key').get('')),
        }
      }
      return {
        ...{ from: String(from_target), to: String(to_target), comparisons: Number(comparisons) },
        ...{ primary: side('primary'), candidate: side('candidate') },
        similarity: Number(compared) === 0 ? null : Number(similarity) / similarityUnit / Number(compared),
        newest: await newest(db, asked, String(from_target), String(to_target)),
      }
    },
  )
  return (await Promise.all(all)).sort((a, b) => compare(a.from, b.from) || compare(a.to, b.to))
}

const pairOf = ({ from_target, to_target }: Row): string => JSON.stringify([from_target, to_target])

async function newest(db: Db, range: TimeRange, from: string, to: string): Promise<ComparisonView[]> {
  const { rows } = await sql<ComparisonRow>`select * from comparisons
    where ${eachRow} from_target = ${from} and to_target = ${to} and started_at >= ${Math.floor(range.from)}
      and started_at < ${Math.ceil(Math.min(range.to, latest))}
    order by started_at desc limit ${sql.lit(shownComparisons)}`.execute(db as Kysely<never> & Kysely<Schema>)
  return rows.map((row) => ({
    ...{ callId: row.call_id, at: row.started_at, model: row.model_asked, similarity: row.similarity },
    ...{ primaryMs: row.primary_total_ms, candidateMs: row.candidate_total_ms },
    candidateFailure: row.candidate_failure,
  }))
}
