import { type Add, addComparison } from './comparison-rollups.ts'
import { type AttemptGroup, type CallGroup, groupEntries, type Histogram } from './grouped-entries.ts'
import type { Entry } from './rows.ts'

/** The lengths of time that are summed up, in milliseconds: minute, hour and day (UTC). */
export const grains = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const

/** The tables of sums: what a row is about, and what is added up. `grain` and `at` (the begin) come first in each. */
export const rollupTables = {
  usage_rollups: {
    keys: { model: 'text', tenant: 'text', target: 'text', role: 'text' },
    sums: [
      'attempts',
      'errors',
      'cancelled',
      'input_tokens',
      'output_tokens',
      'cache_read_tokens',
      'cache_write_tokens',
      'reasoning_tokens',
      'cost_nano',
      'estimated',
      'estimated_cost_nano',
      'unpriced',
      'estimated_input_tokens',
      'estimated_output_tokens',
      'estimated_cache_read_tokens',
      'estimated_cache_write_tokens',
      'estimated_reasoning_tokens',
    ],
  },
  call_rollups: {
    keys: { model: 'text', tenant: 'text', target: 'text' },
    sums: ['calls', 'errors', 'cancelled', 'fallbacks'],
  },
  latency_rollups: {
    keys: { model: 'text', target: 'text', measure: 'text', bucket: 'bigint' },
    sums: ['calls'],
  },
  fallback_rollups: {
    keys: { from_target: 'text', to_target: 'text', reason: 'text' },
    sums: ['calls'],
  },
  outcome_rollups: {
    keys: {
      model: 'text',
      tenant: 'text',
      target: 'text',
      failure: 'text',
      status: 'bigint',
      reason: 'text',
    },
    sums: ['calls'],
  },
  tenant_latency_rollups: {
    keys: { tenant: 'text', measure: 'text', bucket: 'bigint' },
    sums: ['calls'],
  },
  session_rollups: {
    keys: { session: 'text', tenant: 'text' },
    sums: ['calls', 'errors', 'attempts', 'input_tokens', 'output_tokens', 'cost_nano', 'unpriced'],
  },
  comparison_rollups: {
    keys: { from_target: 'text', to_target: 'text', side: 'text' },
    sums: ['comparisons', 'failures', 'output_tokens', 'cost_nano', 'priced', 'compared', 'similarity_ppm'],
  },
  comparison_latency_rollups: {
    keys: { from_target: 'text', to_target: 'text', side: 'text', measure: 'text', bucket: 'bigint' },
    sums: ['calls'],
  },
} as const

/** Conversations are too many for sums by minute: their views are of whole hours. */
const withoutMinutes: ReadonlySet<RollupTable> = new Set(['session_rollups'])

export type RollupTable = keyof typeof rollupTables
export type RollupRow = Readonly<Record<string, string | number>>

/**
 * What entries add to the sums. Rows are in the order of their keys, so that two writers lock them in the same order and
 * never wait for each other in a circle.
 */
export function rollUp(entries: readonly Entry[]): ReadonlyMap<RollupTable, readonly RollupRow[]> {
  const minutes: Sums = new Map()
  const add: Add = (table, startedAt, keys, sums) =>
    addTo(minutes, table, grains.minute, startedAt, keys, sums)
  const { calls, attempts, comparisons } = groupEntries(entries)
  for (const group of attempts) addAttempts(group, add)
  for (const group of calls) addCalls(group, add)
  for (const row of comparisons) addComparison(row, add)
  // A batch is of few minutes: longer times are summed up from those, not from each entry again.
  const all: Sums = new Map(minutes)
  for (const { table, at, keys, sums } of minutes.values()) {
    for (const grain of [grains.hour, grains.day]) addTo(all, table, grain, at, keys, sums)
  }
  const tables = new Map<RollupTable, RollupRow[]>()
  for (const [, { table, grain, at, keys, sums }] of [...all].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (grain === grains.minute && withoutMinutes.has(table)) continue
    const row = { grain, at, ...keys, ...sums }
    const list = tables.get(table)
    if (list === undefined) tables.set(table, [row])
    else list.push(row)
  }
  return tables
}

type Sums = Map<
  string,
  {
    readonly table: RollupTable
    readonly grain: number
    readonly at: number
    readonly keys: RollupRow
    readonly sums: Record<string, number>
  }
>

function addTo(
  all: Sums,
  table: RollupTable,
  grain: number,
  time: number,
  keys: RollupRow,
  sums: Readonly<Record<string, number>>,
): void {
  const at = time - (time % grain)
  const place = JSON.stringify([table, grain, at, ...Object.values(keys)])
  const found = all.get(place)
  if (found === undefined) all.set(place, { table, grain, at, keys, sums: { ...sums } })
  else for (const name in sums) (found.sums[name] as number) += sums[name] as number
}

function addAttempts({ row, minute, used }: AttemptGroup, add: Add): void {
  const ifEstimated = (amount: number): number => (row.estimated === 1 ? amount : 0)
  const tenant = row.tenant ?? ''
  add(
    'usage_rollups',
    minute,
    { model: row.model_asked, tenant, target: row.target ?? '', role: row.role },
    {
      attempts: used.attempts,
      ...failed(row.failure, used.attempts),
      input_tokens: used.input,
      output_tokens: used.output,
      cache_read_tokens: used.cacheRead,
      cache_write_tokens: used.cacheWrite,
      reasoning_tokens: used.reasoning,
      cost_nano: used.cost,
      estimated: row.estimated * used.attempts,
      estimated_cost_nano: ifEstimated(used.cost),
      unpriced: used.unpriced,
      estimated_input_tokens: ifEstimated(used.input),
      estimated_output_tokens: ifEstimated(used.output),
      estimated_cache_read_tokens: ifEstimated(used.cacheRead),
      estimated_cache_write_tokens: ifEstimated(used.cacheWrite),
      estimated_reasoning_tokens: ifEstimated(used.reasoning),
    },
  )
  if (row.session == null || row.role === 'mirror') return
  add(
    'session_rollups',
    minute,
    { session: row.session, tenant },
    {
      ...{ calls: 0, errors: 0, attempts: used.attempts },
      // What the cache holds is a part of the prompt.
      input_tokens: used.input + used.cacheRead + used.cacheWrite,
      ...{ output_tokens: used.output, cost_nano: used.cost, unpriced: used.unpriced },
    },
  )
}

function addCalls({ row, minute, calls, firstContent, total }: CallGroup, add: Add): void {
  const model = row.model_asked
  const target = row.target ?? ''
  const tenant = row.tenant ?? ''
  const isFallback = row.fallback_to != null
  const { errors, cancelled } = failed(row.failure, calls)
  const fallbacks = isFallback ? calls : 0
  add('call_rollups', minute, { model, tenant, target }, { calls, errors, cancelled, fallbacks })
  add(
    'outcome_rollups',
    minute,
    {
      ...{ model, tenant, target, failure: row.failure ?? '', status: row.status ?? 0 },
      reason: isFallback ? (row.fallback_reason ?? '') : '',
    },
    { calls },
  )
  if (row.session != null)
    add('session_rollups', minute, { session: row.session, tenant }, { ...noUse, calls, errors })
  const measure = (name: 'first_content' | 'total', histogram: Histogram): void => {
    for (const [bucket, times] of histogram) {
      add('latency_rollups', minute, { model, target, measure: name, bucket }, { calls: times })
      add('tenant_latency_rollups', minute, { tenant, measure: name, bucket }, { calls: times })
    }
  }
  measure('first_content', firstContent)
  measure('total', total)
  if (isFallback)
    add(
      'fallback_rollups',
      minute,
      {
        from_target: row.fallback_from ?? '',
        ...{ to_target: row.fallback_to as string, reason: row.fallback_reason ?? '' },
      },
      { calls },
    )
}

/** What an attempt has used, which a call has not by itself. */
const noUse = { attempts: 0, input_tokens: 0, output_tokens: 0, cost_nano: 0, unpriced: 0 } as const

/** How many of some rows with the same failure count as errors, and how many as cancelled. */
function failed(failure: string | null, rows: number): { errors: number; cancelled: number } {
  return {
    errors: failure === null || failure === 'cancelled' ? 0 : rows,
    cancelled: failure === 'cancelled' ? rows : 0,
  }
}
