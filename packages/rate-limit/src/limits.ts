/** Limits of one key or target. What is left out is not limited. */
export interface Limits {
  /** Requests in any 60 s. */
  readonly requestsPerMinute?: number | undefined
  /** Requests in any second; for vendors that enforce shorter intervals. */
  readonly requestsPerSecond?: number | undefined
  /** Input tokens in any 60 s. */
  readonly inputTokensPerMinute?: number | undefined
  /** Output tokens in any 60 s. */
  readonly outputTokensPerMinute?: number | undefined
  /** Calls in flight at a time. */
  readonly concurrency?: number | undefined
}

/** How limits are kept, whoever counts. */
export interface LimitRules {
  /** How long a vendor's 429 closes the limits at most, in milliseconds. */
  readonly maxRetryAfter: number
}

/** The defaults of {@link LimitRules}. */
export const limitRules: LimitRules = { maxRetryAfter: 600_000 }

/** What those calls take together that go before another one. */
export interface Ahead {
  readonly calls: number
  readonly inputTokens: number
  readonly outputTokens: number
}

/** What one call takes from the limits: as an estimate, what is reserved for it. */
export interface Cost {
  readonly inputTokens: number
  readonly outputTokens: number
  /** What an estimate expects the call to settle at; undefined where nothing is known about such calls. */
  readonly predicted?: { readonly inputTokens: number; readonly outputTokens: number } | undefined
  /**
   * Which of the vendor's limits it counts against, see `limitGroup` of `@spillway/wire`: windows and closures are each
   * group's own, `concurrency` is shared.
   * @default ''
   */
  readonly group?: string | undefined
}

/** What a vendor has said of one of its limits, less what was admitted since. */
export interface VendorQuota {
  readonly name: WindowName
  readonly limit: number | undefined
  readonly remaining: number
  /** Milliseconds until all of it is back. */
  readonly resetMs: number
}

/** What an answer says of the vendor's limits. */
export interface VendorFeedback {
  readonly limits: readonly (VendorQuota & {
    /** Over how many milliseconds the limit holds, where the vendor tells of several. */
    readonly periodMs?: number | undefined
  })[]
  /** Of a 429: milliseconds until the vendor takes calls again. Undefined: it is none. */
  readonly closedMs?: number | undefined
  /** Whether the vendor has taken the call. */
  readonly isSuccess: boolean
}

/** The limits that hold over a window of time. */
export type WindowName = Exclude<keyof Limits, 'concurrency'>

/** What several calls take together has the tokens in the same fields as what one takes. */
type Tokens = Pick<Cost, 'inputTokens' | 'outputTokens'>

interface Window {
  readonly ms: number
  readonly of: (cost: Tokens) => number
  readonly ofAll: (ahead: Ahead) => number
}

const requests = { of: () => 1, ofAll: (ahead: Ahead) => ahead.calls }
const input = (tokens: Tokens): number => tokens.inputTokens
const output = (tokens: Tokens): number => tokens.outputTokens

/** Each window's length in milliseconds, and what a call and several calls take from it. */
export const windows: Readonly<Record<WindowName, Window>> = {
  requestsPerSecond: { ms: 1_000, ...requests },
  requestsPerMinute: { ms: 60_000, ...requests },
  inputTokensPerMinute: { ms: 60_000, of: input, ofAll: input },
  outputTokensPerMinute: { ms: 60_000, of: output, ofAll: output },
}

/** @throws RangeError for a limit that lets nothing through */
export function checkLimits(limits: Limits): void {
  for (const name of [...Object.keys(windows), 'concurrency'] as (keyof Limits)[]) {
    const value = limits[name]
    if (value !== undefined && !(value >= 1)) {
      throw new RangeError(`rateLimit.${name} must be 1 or more, but is ${value}`)
    }
  }
}
