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
  /** Attempts with usage whose price is unknown. */
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

/** What the calls of one tenant used, for budgets. */
export interface TenantUse {
  /** Empty for rows without tenant. */
  readonly tenant: string
  /** Whether it is what repetitions of its calls by mirrors used, which is apart from what the calls did. */
  readonly isShadow: boolean
  /** Calls for which an upstream was asked; 0 of shadow calls. */
  readonly requests: number
  /** Input, output, and what was read from and written to caches. */
  readonly tokens: number
  /** Whole nano-dollars as text, without unpriced usage. */
  readonly costNano: string
}

/** Calls and attempts of one group. Money is whole nano-dollars as text. */
export interface Totals {
  /** Empty for rows without tenant or target. */
  readonly key: string
  /** Calls by the model they asked for, and the target that answered; by role they count as `primary`. */
  readonly calls: number
  /** Calls that failed, but for those that were cancelled; by role those of `primary`. */
  readonly failedCalls: number
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
  /** Attempts with usage whose price is unknown. */
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
  /** Those that began in this range. */
  readonly range?: TimeRange | undefined
  /** The model that was asked for. */
  readonly model?: string | undefined
  readonly tenant?: string | undefined
  /** The target that answered. */
  readonly target?: string | undefined
  /** The kind of the failure; empty for calls without one. */
  readonly failure?: string | undefined
  /** As the caller got it. */
  readonly status?: number | undefined
  /** Why the first target was left. */
  readonly reason?: string | undefined
  /** The conversation. */
  readonly session?: string | undefined
  /** Whether only calls that failed, but for those that were cancelled, or for which another target was asked. */
  readonly problems?: boolean | undefined
  /** The begin of a call id, or a part of the name of a model, tenant or target. */
  readonly query?: string | undefined
  /** Tenants that `query` finds too: those whose names outside the ledger contain it, for instance. */
  readonly tenantsLike?: readonly string[] | undefined
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
  readonly modelAnswered: string | null
  readonly session: string | null
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

/** What calls can be told apart by. */
export type Facet = 'model' | 'tenant' | 'target' | 'failure' | 'status' | 'reason'

/** Which calls are counted. Filters that are not given let everything through; an empty text is "none". */
export interface OutcomeFilter {
  readonly model?: string | undefined
  readonly tenant?: string | undefined
  readonly target?: string | undefined
  readonly failure?: string | undefined
  readonly status?: number | undefined
  readonly reason?: string | undefined
  /** See {@link CallFilter.problems}. */
  readonly problems?: boolean | undefined
}

/**
 * By facet its values, the most frequent ones first; 50 at most. `status` is 0 for calls without one. `session` is of the newest 2,000 calls
 * that match, 20 at most: conversations are too many for exact counts under all filters.
 */
export type Facets = {
  readonly [name in Facet | 'session']: readonly { readonly value: string; readonly calls: number }[]
}

/** How many calls of a range a filter lets through, over time. */
export interface MatchingCalls {
  /** The begins of the steps. */
  readonly times: readonly number[]
  readonly calls: readonly number[]
  /** Those of them that failed, but for those that were cancelled, or for which another target was asked. */
  readonly problems: readonly number[]
}

export type SessionOrder = 'cost' | 'calls' | 'errors' | 'recent'

/** A conversation in whole hours of a range. */
export interface SessionRow {
  readonly session: string
  /** Empty where its callers had none. */
  readonly tenant: string
  readonly calls: number
  readonly errors: number
  readonly attempts: number
  /** Tokens of prompts, with what caches held of them, and of answers. */
  readonly input: number
  readonly output: number
  readonly costNano: string
  readonly unpriced: number
  /** When its last call began; where that is not kept any more, the begin of its hour or day. */
  readonly lastAt: number
}

/** Series of the groups that cost most. */
export interface SplitSeries {
  readonly by: 'model' | 'tenant' | 'target'
  /** The begins of the steps. */
  readonly times: readonly number[]
  /** In the order of their keys. */
  readonly series: readonly {
    readonly key: string
    /** Over the whole range. */
    readonly firstContent: Percentiles
    readonly total: Percentiles
    readonly points: readonly SeriesPoint[]
  }[]
  /** All other groups together; undefined where there are none. */
  readonly other?: { readonly groups: number; readonly points: readonly SeriesPoint[] } | undefined
}

/** One attempt of a call. Times are milliseconds since the Unix epoch, durations milliseconds. */
export interface AttemptView {
  readonly number: number
  readonly role: string
  readonly at: number
  readonly target: string | null
  readonly endpoint: string | null
  readonly provider: string
  readonly modelAsked: string
  readonly modelAnswered: string | null
  readonly failure: string | null
  readonly status: number | null
  /** The vendor's code of the failure, and its id of the request. */
  readonly code: string | null
  readonly requestId: string | null
  readonly stopReason: string | null
  readonly firstContentMs: number | null
  readonly totalMs: number
  readonly tokens: TokenCounts
  readonly estimated: boolean
  readonly costNano: string | null
}

/** A call with its attempts, those of mirrors among them. */
export interface CallStory {
  readonly call: CallView
  readonly api: string
  readonly operation: string
  readonly modelAnswered: string | null
  readonly stopReason: string | null
  readonly attempts: readonly AttemptView[]
}

/** One side of all comparisons of a range. */
export interface ComparedSide {
  readonly failures: number
  readonly firstContent: Percentiles
  /** Of answers. */
  readonly total: Percentiles
  readonly outputTokens: number
  /** Null where none has a price. */
  readonly costNano: string | null
}

/** A target and its candidate over the same calls of a range. */
export interface ComparedTargets {
  readonly from: string
  readonly to: string
  readonly comparisons: number
  readonly primary: ComparedSide
  readonly candidate: ComparedSide
  /** The mean, 0 to 1; null where no texts were compared. */
  readonly similarity: number | null
  readonly newest: readonly ComparisonView[]
}

export interface ComparisonView {
  /** The call of the primary. */
  readonly callId: string
  readonly at: number
  readonly model: string
  readonly similarity: number | null
  readonly primaryMs: number
  readonly candidateMs: number
  readonly candidateFailure: string | null
}
