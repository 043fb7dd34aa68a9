import type { Percentiles } from './latency-histogram.ts'

/** A span of time, in milliseconds since the Unix epoch: from `from` up to, but not including, `to`. */
export interface TimeRange {
  readonly from: number
  readonly to: number
}

/** What a view groups by; `day` is in UTC, as `2026-10-07`. */
export type Grouping = 'model' | 'tenant' | 'target' | 'role' | 'day'

export interface TokenCounts {
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheWrite: number
  readonly reasoning: number
}

/** Calls and attempts of a range, summed up. Money is whole nano-dollars as text. */
export interface Summary {
  /** As asked for, in whole minutes. */
  readonly range: TimeRange
  readonly calls: number
  /** Calls that failed, but for those that were cancelled. */
  readonly errors: number
  readonly cancelled: number
  /** Calls for which another target was asked. */
  readonly fallbacks: number
  /** Attempts beyond the first of each call, mirrors not among them, and what they cost. */
  readonly retries: number
  readonly retryCostNano: string
  /** Of all attempts, mirrors included. */
  readonly costNano: string
  /** The part of `costNano` that is an estimate. */
  readonly estimatedCostNano: string
  /** Attempts whose tokens or price are an estimate. */
  readonly estimated: number
  /** Attempts that used something and whose price nobody knows. */
  readonly unpriced: number
  readonly tokens: TokenCounts
  /** The part of `tokens` that attempts marked as an estimate used. */
  readonly estimatedTokens: TokenCounts
  /** Of calls that had content. */
  readonly firstContent: Percentiles
  /** Of calls that succeeded. */
  readonly total: Percentiles
}

/** One step of a series. */
export interface SeriesPoint {
  /** Its begin; a whole multiple of the step since the Unix epoch. */
  readonly at: number
  readonly calls: number
  readonly errors: number
  readonly fallbacks: number
  readonly costNano: string
  readonly firstContent: Percentiles
  readonly total: Percentiles
}

/** Latencies of one group of calls. */
export interface LatencyRow {
  /** The model or the target; empty where nothing was grouped, and for calls that no target answered. */
  readonly key: string
  readonly firstContent: Percentiles
  readonly total: Percentiles
}

/** Who was asked instead of whom, and why. */
export interface FallbackRow {
  readonly from: string
  /** The last one that was asked. */
  readonly to: string
  /** The kind of the failure that made the first of them give up. */
  readonly reason: string
  readonly calls: number
}

/** Calls and attempts of one group. Money is whole nano-dollars as text. */
export interface Totals {
  /** Empty for rows without tenant or target. */
  readonly key: string
  /** Calls by the model they asked for, and the target that answered; by role they stand with `primary`. */
  readonly calls: number
  readonly attempts: number
  /** Attempts that failed, but for those that were cancelled. */
  readonly errors: number
  readonly cancelled: number
  readonly tokens: TokenCounts
  /** The part of `tokens` that attempts marked as an estimate used. */
  readonly estimatedTokens: TokenCounts
  readonly costNano: string
  /** The part of `costNano` that is an estimate. */
  readonly estimatedCostNano: string
  /** Attempts whose tokens or price are an estimate. */
  readonly estimated: number
  /** Attempts that used something and whose price nobody knows. */
  readonly unpriced: number
}

/** The groups that cost most, and the sum of all others: together exactly what all groups used. */
export interface LargestTotals {
  /** In the order of their keys. */
  readonly rows: readonly Totals[]
  /** Undefined where `rows` are all groups. */
  readonly other?: OtherTotals | undefined
}

export interface OtherTotals extends Omit<Totals, 'key'> {
  /** How many groups this is the sum of. */
  readonly groups: number
}

/** Which calls, newest first. Filters that are not given let everything through. */
export interface CallFilter {
  /** 1 to 1000. */
  readonly limit: number
  /** `next` of the page before. */
  readonly before?: string | undefined
  /** The model that was asked for. */
  readonly model?: string | undefined
  readonly tenant?: string | undefined
  /** The target that answered. */
  readonly target?: string | undefined
  /** The kind of the failure. */
  readonly failure?: string | undefined
  /** The begin of a call id, or a part of the name of a model, tenant or target. */
  readonly query?: string | undefined
}

export interface CallPage {
  readonly calls: readonly CallView[]
  /** Undefined on the last page. */
  readonly next?: string | undefined
}

/** One call with what its attempts used, mirrors not among them. */
export interface CallView {
  /** The row's own; unique. */
  readonly id: string
  readonly callId: string
  readonly at: number
  readonly tenant: string | null
  readonly model: string
  readonly target: string | null
  readonly stream: boolean
  readonly attempts: number
  readonly fallback: { readonly from: string; readonly to: string; readonly reason: string } | null
  readonly failure: string | null
  readonly status: number | null
  readonly firstContentMs: number | null
  readonly totalMs: number
  readonly tokens: TokenCounts
  readonly estimated: boolean
  /** Null where no attempt has a price. */
  readonly costNano: string | null
}
