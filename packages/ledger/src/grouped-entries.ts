import { bucketOf } from './latency-histogram.ts'
import type { AttemptRow, CallRow, ComparisonRow, Entry } from './rows.ts'

/** How many times of some length there are, by the bucket of a {@link bucketOf}. */
export type Histogram = Map<number, number>

/** Calls of a minute that are the same in everything that sums tell apart, but for how long they took. */
export interface CallGroup {
  /** One of them. */
  readonly row: CallRow
  readonly minute: number
  calls: number
  readonly firstContent: Histogram
  readonly total: Histogram
}

/** Attempts of a minute that are the same in everything that sums tell apart, with what they used together. */
export interface AttemptGroup {
  /** One of them. */
  readonly row: AttemptRow
  readonly minute: number
  readonly used: AttemptSums
}

/** What is added up of attempts. */
export interface AttemptSums {
  attempts: number
  input: number
  output: number
  cacheRead: number
  cacheWrite: number
  reasoning: number
  cost: number
  unpriced: number
}

/** Entries as far as sums tell them apart. */
export interface GroupedEntries {
  readonly calls: Iterable<CallGroup>
  readonly attempts: Iterable<AttemptGroup>
  readonly comparisons: readonly ComparisonRow[]
}

const minute = 60_000

/** A batch has many entries and few kinds of them: what an entry adds to each sum is worked out once for each kind. */
export function groupEntries(entries: readonly Entry[]): GroupedEntries {
  const calls = new Map<string, CallGroup>()
  const attempts = new Map<string, AttemptGroup>()
  const comparisons: ComparisonRow[] = []
  for (const entry of entries) {
    if (entry.table === 'calls') addCall(calls, entry.row)
    else if (entry.table === 'attempts') addAttempt(attempts, entry.row)
    else if (entry.table === 'comparisons') comparisons.push(entry.row)
  }
  return { calls: calls.values(), attempts: attempts.values(), comparisons }
}

function addCall(groups: Map<string, CallGroup>, row: CallRow): void {
  const at = row.started_at - (row.started_at % minute)
  const { model_asked, tenant, target, failure, status, session } = row
  const { fallback_from, fallback_to, fallback_reason } = row
  const key = JSON.stringify([
    ...[at, model_asked, tenant, target, failure, status, session],
    ...[fallback_from, fallback_to, fallback_reason],
  ])
  let group = groups.get(key)
  if (group === undefined) {
    group = { row, minute: at, calls: 0, firstContent: new Map(), total: new Map() }
    groups.set(key, group)
  }
  group.calls++
  if (row.ttft_ms !== null) count(group.firstContent, row.ttft_ms)
  // How long a failure takes says nothing about answers: refusals are quick.
  if (row.failure === null) count(group.total, row.total_ms)
}

function count(histogram: Histogram, milliseconds: number): void {
  const bucket = bucketOf(milliseconds)
  histogram.set(bucket, (histogram.get(bucket) ?? 0) + 1)
}

function addAttempt(groups: Map<string, AttemptGroup>, row: AttemptRow): void {
  const at = row.started_at - (row.started_at % minute)
  const { model_asked, tenant, target, role, failure, estimated, session } = row
  const key = JSON.stringify([at, model_asked, tenant, target, role, failure, estimated, session])
  let group = groups.get(key)
  if (group === undefined) {
    group = { row, minute: at, used: none() }
    groups.set(key, group)
  }
  const { used } = group
  used.attempts++
  used.input += row.input_tokens
  used.output += row.output_tokens
  used.cacheRead += row.cache_read_tokens
  used.cacheWrite += row.cache_write_tokens
  used.reasoning += row.reasoning_tokens
  used.cost += row.cost_nano ?? 0
  const tokens = row.input_tokens + row.output_tokens + row.cache_read_tokens + row.cache_write_tokens
  if (row.cost_nano === null && tokens > 0) used.unpriced++
}

const none = (): AttemptSums => ({
  ...{ attempts: 0, input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0, cost: 0, unpriced: 0 },
})
