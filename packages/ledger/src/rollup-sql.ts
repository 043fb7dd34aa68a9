import { type Kysely, type RawBuilder, sql } from 'kysely'
import { eachRow } from './interruptible.ts'
import { type Percentiles, percentilesOf } from './latency-histogram.ts'
import type { RollupTable } from './rollups.ts'
import type { Span } from './time-spans.ts'

export type Db = Kysely<never>
export type Row = Readonly<Record<string, string | number>>

/** The buckets of some spans; a part for each, since that is what an index can look up. */
export function from(table: RollupTable, spans: readonly Span[]): RawBuilder<unknown> {
  const parts = spans.map(
    ({ grain, from, to }) =>
      sql`select * from ${sql.table(table)} where ${eachRow} grain = ${grain} and at >= ${from} and at < ${to}`,
  )
  if (parts.length === 0) parts.push(sql`select * from ${sql.table(table)} where 1 = 0`)
  return sql`(${sql.join(parts, sql` union all `)}) as r`
}

/** Counts are numbers; money goes as text, since a sum of it may be larger than a number can tell exactly. */
export const sum = (expression: string, name: string): RawBuilder<unknown> =>
  sql`cast(coalesce(sum(${sql.raw(expression)}), 0) as bigint) as ${sql.ref(name)}`
export const money = (expression: string, name: string): RawBuilder<unknown> =>
  sql`cast(cast(coalesce(sum(${sql.raw(expression)}), 0) as bigint) as text) as ${sql.ref(name)}`

export const run = async <T>(db: Db, query: RawBuilder<unknown>): Promise<T[]> =>
  (await query.execute(db)).rows as T[]

type Counts = Map<number, number>
interface Latencies {
  readonly first_content: Counts
  readonly total: Counts
}

/** Histograms by step, key or place; rows of one bucket are added up. */
export function histograms(
  rows: readonly Row[],
  by: 'step' | 'key' | 'place',
): Map<string | number, Latencies> {
  const groups = new Map<string | number, Latencies>()
  for (const row of rows) {
    const key = row[by] as string | number
    const group = groups.get(key) ?? { first_content: new Map(), total: new Map() }
    groups.set(key, group)
    const counts = group[row.measure as keyof Latencies]
    const bucket = Number(row.bucket)
    counts.set(bucket, (counts.get(bucket) ?? 0) + Number(row.calls))
  }
  return groups
}

export function percentiles(group: Latencies | undefined): { firstContent: Percentiles; total: Percentiles } {
  return {
    firstContent: percentilesOf(group?.first_content ?? new Map()),
    total: percentilesOf(group?.total ?? new Map()),
  }
}

/** In the order of code units: databases differ in theirs. */
export function byKey<T extends { readonly key: string }>(rows: T[]): T[] {
  return rows.sort((a, b) => compare(a.key, b.key))
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
