// What `/api/*` answers, for the dashboard and for programs. Times are milliseconds since the Unix epoch, durations
// milliseconds, money whole nano-dollars as text.

/** The part of the past that is asked for. */
export type RangeName = '15m' | '1h' | '24h' | '7d' | '30d'

export interface TimeRange {
  readonly from: number
  readonly to: number
}

export interface Percentiles {
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
}

export interface TokenCounts {
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheWrite: number
  readonly reasoning: number
}

/** `GET /api/summary?range=24h` */
export interface Summary {
  readonly range: TimeRange
  readonly calls: number
  readonly errors: number
  readonly cancelled: number
  readonly fallbacks: number
  /** Attempts beyond the first of each call, and what they cost. */
  readonly retries: number
  readonly retryCostNano: string
  readonly costNano: string
  /** The part of `costNano` that rests on estimated tokens. */
  readonly estimatedCostNano: string
  /** Attempts whose model has no price. */
  readonly unpriced: number
  readonly tokens: TokenCounts
  /** The part of `tokens` that attempts marked as an estimate used. */
  readonly estimatedTokens: TokenCounts
  readonly firstContent: Percentiles
  readonly total: Percentiles
  /** Equal steps of time, oldest first; empty ones included. */
  readonly series: readonly SeriesPoint[]
}

export interface SeriesPoint {
  readonly at: number
  readonly calls: number
  readonly errors: number
  readonly fallbacks: number
  readonly costNano: string
  readonly firstContent: Percentiles
  readonly total: Percentiles
}

/** `GET /api/usage?by=model&range=24h&limit=100` */
export interface Usage {
  readonly range: TimeRange
  readonly by: 'model' | 'tenant' | 'target' | 'role' | 'day'
  /** The groups that cost most, `limit` at most, in the order of their keys. */
  readonly rows: readonly UsageRow[]
  /** The sum of all other groups, and how many they are; undefined where there are no others. */
  readonly other?: (Omit<UsageRow, 'key'> & { readonly groups: number }) | undefined
}

export interface UsageRow {
  readonly key: string
  readonly calls: number
  readonly attempts: number
  readonly errors: number
  readonly tokens: TokenCounts
  /** The part of `tokens` that attempts marked as an estimate used. */
  readonly estimatedTokens: TokenCounts
  readonly costNano: string
  readonly estimatedCostNano: string
  readonly estimated: number
  readonly unpriced: number
}

/** `GET /api/fallbacks?range=24h`: who answered instead of whom, and why. */
export interface Fallbacks {
  readonly range: TimeRange
  readonly rows: readonly {
    readonly from: string
    readonly to: string
    readonly reason: string
    readonly calls: number
  }[]
}

/** `GET /api/targets`: as it is now. */
export interface Targets {
  readonly targets: readonly {
    readonly name: string
    readonly api: string
    readonly endpoints: readonly EndpointView[]
  }[]
  /** Undefined where nothing is shared. */
  readonly shared?: { readonly limits: string } | undefined
}

export interface EndpointView {
  readonly name: string
  /** Empty for an embedded model. */
  readonly url: string
  readonly circuits: readonly CircuitView[]
  /** What is used of each limit; empty where there is none. */
  readonly headroom: Readonly<Record<string, { readonly used: number; readonly limit: number }>>
  /** The vendor's limit groups: what is used, what the vendor says is left, what a 429 has closed. */
  readonly limitGroups?: readonly LimitGroupView[] | undefined
  /** Of several endpoints: its share of the calls lately, 0 to 1, and whether it is left out. */
  readonly share?: number | undefined
  readonly ejectedUntil?: number | undefined
}

export interface LimitGroupView {
  /** A family of models or a model; empty where models are not told apart. */
  readonly group: string
  readonly headroom: EndpointView['headroom']
  /** When a vendor's 429 ends; undefined where there is none. */
  readonly closedUntil?: number | undefined
  /** The vendor's last word on each of its limits, less what was admitted since. */
  readonly vendor: readonly {
    readonly name: string
    readonly limit: number | null
    readonly remaining: number
    readonly resetAt: number
  }[]
}

export interface CircuitView {
  readonly key: string
  readonly scope: 'model' | 'key'
  readonly state: 'closed' | 'open' | 'half-open'
  readonly forced: boolean
  readonly since: number
  readonly failureRate: number | null
  readonly history: readonly {
    readonly at: number
    readonly from: string
    readonly to: string
    readonly reason: string
  }[]
}

/** `GET /api/calls?limit=50&before=CURSOR&model=&tenant=&target=&failure=&query=` */
export interface Calls {
  readonly calls: readonly CallRow[]
  /** Pass as `before` for the next page; undefined on the last. */
  readonly next?: string | undefined
}

export interface CallRow {
  readonly id: string
  readonly at: number
  readonly tenant: string | null
  readonly model: string
  readonly target: string | null
  readonly stream: boolean
  readonly attempts: number
  readonly fallback: string | null
  readonly failure: string | null
  readonly firstContentMs: number | null
  readonly totalMs: number
  readonly tokens: TokenCounts
  readonly estimated: boolean
  readonly costNano: string | null
}

/** `GET /api/mirror` */
export interface Mirrors {
  readonly mirrors: readonly {
    readonly from: string
    readonly to: string
    readonly sample: number
    readonly comparisons: number
    readonly dropped: number
    readonly primary: MirrorSide
    readonly candidate: MirrorSide
    /** Mean similarity of the texts, 0 to 1. */
    readonly similarity: number | null
  }[]
}

export interface MirrorSide {
  readonly failures: number
  readonly firstContent: Percentiles
  readonly total: Percentiles
  readonly outputTokens: number
  readonly costNano: string | null
}

/** `GET /api/keys`; never a value. */
export interface Keys {
  readonly keys: readonly {
    readonly name: string
    readonly version: number
    readonly state: string
    readonly createdAt: number
    readonly lastUsedAt: number | null
    readonly fingerprint: string
    readonly environment: string
  }[]
}

/** `GET /api/audit?limit=50&before=SEQUENCE&query=` */
export interface Audit {
  readonly entries: readonly {
    readonly sequence: number
    readonly at: number
    readonly actor: string
    readonly action: string
    readonly subject: string
    readonly details: Readonly<Record<string, unknown>>
  }[]
  readonly next?: string | undefined
}

/** `GET /api/live`: server-sent events. `event: call` with a {@link CallRow}, `event: circuit` with this, `event: ping`. */
export interface LiveCircuit {
  readonly target: string
  readonly endpoint: string
  readonly circuit: CircuitView
}
