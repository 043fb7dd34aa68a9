import { type Add, addComparison } from './comparison-rollups.ts'
import { bucketOf } from './latency-histogram.ts'
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
  for (const entry of entries) {
    if (entry.table === 'attempts') addAttempt(entry.row, add)
    else if (entry.table === 'calls') addCall(entry.row, add)
    else if (entry.table === 'comparisons') addComparison(entry.row, add)
  }
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

function addAttempt(row: Extract<Entry, { table: 'attempts' }>['row'], add: Add): void {
  const used = row.input_tokens + row.output_tokens + row.cache_read_tokens + row.cache_write_tokens
  const cost = row.cost_nano ?? 0
  const ifEstimated = (amount: number): number => (row.estimated === 1 ? amount : 0)
  add(
    'usage_rollups',
    row.started_at,
    { model: row.model_asked, tenant: row.tenant ?? '', target: row.target ?? '', role: row.role },
    {
      attempts: 1,
      ...failed(row.failure),
      input_tokens: row.input_tokens,
      output_tokens: row.output_tokens,
      cache_read_tokens: row.cache_read_tokens,
      cache_write_tokens: row.cache_write_tokens,
      reasoning_tokens: row.reasoning_tokens,
      cost_nano: cost,
      estimated: row.estimated,
      estimated_cost_nano: ifEstimated(cost),
      unpriced: row.cost_nano === null && used > 0 ? 1 : 0,
      estimated_input_tokens: ifEstimated(row.input_tokens),
      estimated_output_tokens: ifEstimated(row.output_tokens),
      estimated_cache_read_tokens: ifEstimated(row.cache_read_tokens),
      estimated_cache_write_tokens: ifEstimated(row.cache_write_tokens),
      estimated_reasoning_tokens: ifEstimated(row.reasoning_tokens),
    },
  )
  if (row.session == null || row.role === 'mirror') return
  add(
    'session_rollups',
    row.started_at,
    { session: row.session, tenant: row.tenant ?? '' },
    {
      ...{ calls: 0, errors: 0, attempts: 1 },
      // What the cache holds is a part of the prompt.
      input_tokens: row.input_tokens + row.cache_read_tokens + row.cache_write_tokens,
      output_tokens: row.output_tokens,
      cost_nano: cost,
      unpriced: row.cost_nano === null && used > 0 ? 1 : 0,
    },
  )
}

function addCall(row: Extract<Entry, { table: 'calls' }>['row'], add: Add): void {
  const model = row.model_asked
  const target = row.target ?? ''
  const tenant = row.tenant ?? ''
  const fallbacks = row.fallback_to == null ? 0 : 1
  add(
    'call_rollups',
    row.started_at,
    { model, tenant, target },
    { calls: 1, ...failed(row.failure), fallbacks },
  )
  add(
    'outcome_rollups',
    row.started_at,
    {
      ...{ model, tenant, target, failure: row.failure ?? '', status: row.status ?? 0 },
      reason: row.fallback_to == null ? '' : (row.fallback_reason ?? ''),
    },
    { calls: 1 },
  )
  if (row.session != null) {
    const { errors } = failed(row.failure)
    add('session_rollups', row.started_at, { session: row.session, tenant }, { ...noUse, calls: 1, errors })
  }
  const measure = (name: 'first_content' | 'total', milliseconds: number): void => {
    const bucket = bucketOf(milliseconds)
    add('latency_rollups', row.started_at, { model, target, measure: name, bucket }, { calls: 1 })
    add('tenant_latency_rollups', row.started_at, { tenant, measure: name, bucket }, { calls: 1 })
  }
  if (row.ttft_ms !== null) measure('first_content', row.ttft_ms)
  // How long a failure takes says nothing about answers: refusals are quick.
  if (row.failure === null) measure('total', row.total_ms)
  if (row.fallback_to != null) {
    add(
      'fallback_rollups',
      row.started_at,
      { from_target: row.fallback_from ?? '', to_target: row.fallback_to, reason: row.fallback_reason ?? '' },
      { calls: 1 },
    )
  }
}

/** What an attempt has used, which a call has not by itself. */
const noUse = { attempts: 0, input_tokens: 0, output_tokens: 0, cost_nano: 0, unpriced: 0 } as const

function failed(failure: string | null): { errors: number; cancelled: number } {
  return {
    errors: failure === null || failure === 'cancelled' ? 0 : 1,
    cancelled: failure === 'cancelled' ? 1 : 0,
  }
}
