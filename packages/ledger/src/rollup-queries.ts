import { type RawBuilder, sql } from 'kysely'
import { checkWhole } from './check-whole.ts'
import {
  byKey,
  compare,
  type Db,
  from,
  histograms,
  money,
  percentiles,
  type Row,
  run,
  sum,
} from './rollup-sql.ts'
import { grains, rollupTables } from './rollups.ts'
import { spansOf, wholeMinutes } from './time-spans.ts'
import type {
  FallbackRow,
  Grouping,
  LargestTotals,
  LatencyRow,
  Summary,
  TenantUse,
  TimeRange,
  TokenCounts,
  Totals,
} from './views.ts'

const usageSums: RawBuilder<unknown> = sql.join([
  sum('attempts', 'attempts'),
  sum('errors', 'errors'),
  sum('cancelled', 'cancelled'),
  sum('input_tokens', 'input'),
  sum('output_tokens', 'output'),
  sum('cache_read_tokens', 'cacheRead'),
  sum('cache_write_tokens', 'cacheWrite'),
  sum('reasoning_tokens', 'reasoning'),
  money('cost_nano', 'costNano'),
  money('estimated_cost_nano', 'estimatedCostNano'),
  sum('estimated', 'estimated'),
  sum('unpriced', 'unpriced'),
  sum('estimated_input_tokens', 'estimatedInput'),
  sum('estimated_output_tokens', 'estimatedOutput'),
  sum('estimated_cache_read_tokens', 'estimatedCacheRead'),
  sum('estimated_cache_write_tokens', 'estimatedCacheWrite'),
  sum('estimated_reasoning_tokens', 'estimatedReasoning'),
])
const callSums: RawBuilder<unknown> = sql.join(
  ['calls', 'errors', 'cancelled', 'fallbacks'].map((name) => sum(name, name)),
)
const isRetry = `role not in ('primary', 'mirror')`

export async function summary(db: Db, asked: TimeRange): Promise<Summary> {
  const range = wholeMinutes(asked)
  const spans = spansOf(range)
  const retries = sql.join([
    sum(`case when ${isRetry} then attempts else 0 end`, 'retries'),
    money(`case when ${isRetry} then cost_nano else 0 end`, 'retryCostNano'),
  ])
  const [[usage], [calls], [latencies]] = await Promise.all([
    run<Totals & TokenCounts & Row & Pick<Summary, 'retries' | 'retryCostNano'>>(
      db,
      sql`select ${usageSums}, ${retries} from ${from('usage_rollups', spans)}`,
    ),
    run<Pick<Summary, 'calls' | 'errors' | 'cancelled' | 'fallbacks'>>(
      db,
      sql`select ${callSums} from ${from('call_rollups', spans)}`,
    ),
    latency(db, asked),
  ])
  if (usage === undefined || calls === undefined || latencies === undefined)
    throw new Error('the database gave no sums')
  const { retries: retried, retryCostNano, costNano, estimatedCostNano, estimated, unpriced } = usage
  return {
    range,
    ...calls,
    retries: retried,
    retryCostNano,
    costNano,
    estimatedCostNano,
    estimated,
    unpriced,
    tokens: tokensOf(usage),
    estimatedTokens: estimatedTokensOf(usage),
    firstContent: latencies.firstContent,
    total: latencies.total,
  }
}

export async function latency(db: Db, asked: TimeRange, by?: 'model' | 'target'): Promise<LatencyRow[]> {
  const key = by === undefined ? sql`'' as key` : sql`${sql.ref(by)} as key`
  const rows = await run<Row>(
    db,
    sql`select ${key}, measure, bucket, ${sum('calls', 'calls')}
      from ${from('latency_rollups', spansOf(wholeMinutes(asked)))} group by 1, 2, 3`,
  )
  const groups = histograms(rows, 'key')
  if (by === undefined) return [{ key: '', ...percentiles(groups.get('')) }]
  return byKey([...groups].map(([name, counts]) => ({ key: String(name), ...percentiles(counts) })))
}

export async function fallbacks(db: Db, asked: TimeRange): Promise<FallbackRow[]> {
  const rows = await run<FallbackRow>(
    db,
    sql`select from_target as "from", to_target as "to", reason, ${sum('calls', 'calls')}
      from ${from('fallback_rollups', spansOf(wholeMinutes(asked)))} group by 1, 2, 3`,
  )
  return rows.sort(
    (a, b) =>
      b.calls - a.calls || compare(a.from, b.from) || compare(a.to, b.to) || compare(a.reason, b.reason),
  )
}

export async function totals(db: Db, by: Grouping, asked: TimeRange): Promise<Totals[]> {
  const spans = spansOf(wholeMinutes(asked))
  const key = keyOf(by)
  const calls =
    by === 'role'
      ? sql`select role as key, ${sum('attempts', 'calls')}, ${sum('errors', 'failed')} from ${from('usage_rollups', spans)} where role = 'primary' group by 1`
      : sql`select ${key}, ${sum('calls', 'calls')}, ${sum('errors', 'failed')} from ${from('call_rollups', spans)} group by 1`
  const [usage, counted] = await Promise.all([
    run<Row>(db, sql`select ${key}, ${usageSums} from ${from('usage_rollups', spans)} group by 1`),
    run<Row>(db, calls),
  ])
  const usageOf = new Map(usage.map((row) => [row.key, row]))
  const callsOf = new Map(counted.map((row) => [row.key, row]))
  return byKey(
    [...new Set([...usageOf.keys(), ...callsOf.keys()])].map((name) => ({
      key: nameOf(by, name),
      ...amountsOf(usageOf.get(name), callsOf.get(name)),
    })),
  )
}

/** Up to the very moment: whoever counts from then on would count what came later in the same minute twice. */
export async function tenantUse(db: Db, { from: start, to }: TimeRange): Promise<TenantUse[]> {
  const lastMinute = Math.max(start, Math.floor(to / grains.minute) * grains.minute)
  const whole = from('usage_rollups', spansOf(wholeMinutes({ from: start, to: lastMinute })))
  const tokens = 'input_tokens + output_tokens + cache_read_tokens + cache_write_tokens'
  // A call has one first attempt, however many follow.
  const requests = "case when role = 'primary' then attempts else 0 end"
  const rows = await run<Row>(
    db,
    sql`select tenant, case when role = 'mirror' then 1 else 0 end as shadow, ${sum(requests, 'requests')}, ${sum('tokens', 'tokens')}, ${money('cost_nano', 'cost')}
      from (
        select tenant, role, attempts, ${sql.raw(tokens)} as tokens, cost_nano from ${whole}
        union all
        select coalesce(tenant, ''), role, 1, ${sql.raw(tokens)}, coalesce(cost_nano, 0) from attempts
          where started_at >= ${lastMinute} and started_at < ${to}
      ) as used group by 1, 2`,
  )
  return rows.map(({ tenant, shadow, requests: counted, tokens: used, cost }) => ({
    tenant: String(tenant),
    isShadow: Number(shadow) === 1,
    requests: Number(counted),
    tokens: Number(used),
    costNano: String(cost),
  }))
}

export async function largestTotals(
  db: Db,
  by: Grouping,
  asked: TimeRange,
  limit: number,
): Promise<LargestTotals> {
  checkWhole('largestTotals: limit', limit, 1000)
  const spans = spansOf(wholeMinutes(asked))
  const key = keyOf(by)
  const names = rollupTables.usage_rollups.sums
  const ofPrimary = (count: string): string =>
    by === 'role' ? `case when role = 'primary' then ${count} else 0 end` : '0'
  const usage = sql`select ${key}, ${sql.raw(names.join(', '))}, ${sql.raw(ofPrimary('attempts'))} as calls, ${sql.raw(ofPrimary('errors'))} as failed from ${from('usage_rollups', spans)}`
  const counted = sql`select ${key}, ${sql.raw(names.map(() => '0').join(', '))}, calls, errors as failed from ${from('call_rollups', spans)}`
  const parts = by === 'role' ? usage : sql`${usage} union all ${counted}`
  const sums = sql.raw([...names, 'calls', 'failed'].map((name) => `sum(${name}) as ${name}`).join(', '))
  // One statement, so that shown groups and others are of the same moment.
  const rows = await run<Row>(
    db,
    sql`select case when place <= ${sql.lit(limit)} then key end as shown, count(*) as groups, ${usageSums}, ${sum('calls', 'calls')}, ${sum('failed', 'failed')}
      from (select g.*, row_number() over (order by cost_nano desc, calls desc, key) as place
        from (select key, ${sums} from (${parts}) as p group by key) as g) as ranked
      group by 1`,
  )
  const isShown = (row: Row): boolean => row.shown !== null
  const other = rows.find((row) => !isShown(row))
  return {
    rows: byKey(rows.filter(isShown).map((row) => ({ key: nameOf(by, row.shown), ...amountsOf(row, row) }))),
    other: other && { groups: Number(other.groups), ...amountsOf(other, other) },
  }
}

const keyOf = (by: Grouping): RawBuilder<unknown> =>
  by === 'day' ? sql`at - at % ${sql.lit(grains.day)} as key` : sql`${sql.ref(by)} as key`

const nameOf = (by: Grouping, key: unknown): string =>
  by === 'day' ? new Date(Number(key)).toISOString().slice(0, 10) : String(key)

function amountsOf(row: Row | undefined, counted: Row | undefined): Omit<Totals, 'key'> {
  return {
    calls: Number(counted?.calls ?? 0),
    failedCalls: Number(counted?.failed ?? 0),
    attempts: Number(row?.attempts ?? 0),
    errors: Number(row?.errors ?? 0),
    cancelled: Number(row?.cancelled ?? 0),
    tokens: tokensOf(row),
    estimatedTokens: estimatedTokensOf(row),
    costNano: String(row?.costNano ?? '0'),
    estimatedCostNano: String(row?.estimatedCostNano ?? '0'),
    estimated: Number(row?.estimated ?? 0),
    unpriced: Number(row?.unpriced ?? 0),
  }
}

export async function countCalls(db: Db, asked: TimeRange): Promise<number> {
  const [row] = await run<{ calls: number }>(
    db,
    sql`select ${sum('calls', 'calls')} from ${from('call_rollups', spansOf(wholeMinutes(asked)))}`,
  )
  return row?.calls ?? 0
}

/** Picks the counts out of a row that has more. */
export function tokensOf(row: { readonly [name in keyof TokenCounts]?: unknown } | undefined): TokenCounts {
  return {
    input: Number(row?.input ?? 0),
    output: Number(row?.output ?? 0),
    cacheRead: Number(row?.cacheRead ?? 0),
    cacheWrite: Number(row?.cacheWrite ?? 0),
    reasoning: Number(row?.reasoning ?? 0),
  }
}

function estimatedTokensOf(row: Row | undefined): TokenCounts {
  return tokensOf({
    input: row?.estimatedInput,
    output: row?.estimatedOutput,
    cacheRead: row?.estimatedCacheRead,
    cacheWrite: row?.estimatedCacheWrite,
    reasoning: row?.estimatedReasoning,
  })
}
