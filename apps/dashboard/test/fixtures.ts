import type {
  Alerts,
  Attempt,
  Audit,
  CallRow,
  CallStory,
  Calls,
  CircuitView,
  Facets,
  Fallbacks,
  Keys,
  Mirrors,
  Percentiles,
  RangeName,
  Series,
  Sessions,
  Summary,
  Targets,
  TimeRange,
  TokenCounts,
  Usage,
} from '@spillway/gateway-api'

/** What the API of some gateway answers. */
export interface Fixture {
  summary(range: RangeName): Summary
  usage(range: RangeName, by: Usage['by']): Usage
  fallbacks(range: RangeName): Fallbacks
  series(range: RangeName, by: Series['by']): Series
  readonly facets: Facets['facets']
  readonly sessions: Sessions['rows']
  readonly alerts: Alerts['alerts']
  story(id: string): CallStory | undefined
  readonly targets: Targets
  readonly mirrors: Mirrors
  readonly keys: Keys
  /** Newest first; pages are cut from it. */
  readonly calls: Calls['calls']
  readonly audit: Audit['entries']
  /** A call that ends now, or undefined where none ever does. */
  nextCall(at: number): CallRow | undefined
}

const minute = 60_000
const lengths: Readonly<Record<RangeName, number>> = {
  '15m': 15 * minute,
  '1h': 60 * minute,
  '24h': 1_440 * minute,
  '7d': 7 * 1_440 * minute,
  '30d': 30 * 1_440 * minute,
}
const models = ['claude-sonnet-5-5', 'claude-opus-5-5', 'claude-haiku-5', 'llama3.2']
const failures = ['overloaded', 'timeout', 'rate_limited', 'connection']

const noTokens: TokenCounts = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 }
const noPercentiles: Percentiles = { p50: null, p95: null, p99: null }

/** A gateway that was just started, with nothing in its configuration but a target. */
export function nothingYet(now: number): Fixture {
  const range = (name: RangeName): TimeRange => rangeOf(name, now)
  return {
    summary: (name) => ({
      range: range(name),
      calls: 0,
      errors: 0,
      cancelled: 0,
      fallbacks: 0,
      retries: 0,
      retryCostNano: '0',
      costNano: '0',
      estimatedCostNano: '0',
      unpriced: 0,
      tokens: noTokens,
      estimatedTokens: noTokens,
      firstContent: noPercentiles,
      total: noPercentiles,
      series: [],
    }),
    usage: (name, by) => ({ range: range(name), by, rows: [] }),
    fallbacks: (name) => ({ range: range(name), rows: [] }),
    series: (name, by) => ({ range: range(name), by, times: [], series: [] }),
    facets: facetsOf([]),
    sessions: [],
    alerts: [],
    story: () => undefined,
    targets: {
      targets: [
        {
          name: 'claude',
          api: 'anthropic',
          endpoints: [{ name: 'claude', url: 'https://api.anthropic.com', circuits: [], headroom: {} }],
        },
      ],
    },
    mirrors: { mirrors: [] },
    keys: { keys: [] },
    calls: [],
    audit: [],
    nextCall: () => undefined,
  }
}

/** Ten calls of one morning. */
export function aFewCalls(now: number): Fixture {
  return someCalls(now, { calls: 10, perCallNano: 4_217_350n, rows: 10, live: 0 })
}

/** Ten million calls a day, and names that are as long as names become. */
export function bigNumbers(now: number): Fixture {
  return someCalls(now, { calls: 10_482_913, perCallNano: 18_431_907_113n, rows: 400, live: 1 })
}

/** What a team of some dozen people has: for screenshots. */
export function aTeam(now: number): Fixture {
  return someCalls(now, { calls: 18_342, perCallNano: 9_431_907n, rows: 400, live: 1 })
}

interface Size {
  readonly calls: number
  readonly perCallNano: bigint
  readonly rows: number
  readonly live: number
}

function someCalls(now: number, size: Size): Fixture {
  const random = randomFrom(7)
  const isBig = size.calls > 1_000_000
  const calls = Array.from({ length: size.rows }, (_, index) =>
    callAt(now - index * (isBig ? 90 : 23_000) - 4_000, index, random),
  )
  const cost = (count: number): string => (BigInt(Math.round(count)) * size.perCallNano).toString()
  const tokens = (count: number): TokenCounts => ({
    input: Math.round(count * 812),
    output: Math.round(count * 431),
    cacheRead: Math.round(count * 6_240),
    cacheWrite: Math.round(count * 377),
    reasoning: Math.round(count * 120),
  })
  const part = (share: number): number => Math.round(size.calls * share)
  return {
    summary(name) {
      const range = rangeOf(name, now)
      const steps = 60
      const shares = Array.from(
        { length: steps },
        (_, step) => daily(range, step / steps) * (0.85 + random() * 0.3),
      )
      const all = shares.reduce((sum, share) => sum + share, 0)
      const isFew = size.calls < 100
      const series = shares.map((share, step) => {
        const count = isFew ? (step % 6 === 2 ? 1 : 0) : Math.round((size.calls * share) / all)
        const trouble = step > 37 && step < 42 ? 5 : 1
        const wait = count === 0 ? null : 380 + random() * 90 + (trouble - 1) * 120
        return {
          at: range.from + ((range.to - range.from) / steps) * step,
          calls: count,
          errors: isFew ? 0 : Math.round(count * 0.002 * trouble),
          fallbacks: isFew ? Number(step === 20) : Math.round(count * 0.014 * trouble * trouble),
          costNano: cost(count),
          firstContent: percentiles(wait, 2.6, 5.1),
          total: percentiles(wait === null ? null : wait * 9, 2.9, 5.4),
        }
      })
      return {
        range,
        calls: size.calls,
        errors: isFew ? 0 : part(0.0037),
        cancelled: isFew ? 1 : part(0.012),
        fallbacks: isFew ? 1 : part(0.031),
        retries: isFew ? 2 : part(0.046),
        retryCostNano: cost(size.calls * 0.018),
        costNano: cost(size.calls),
        estimatedCostNano: cost(size.calls * 0.011),
        unpriced: isFew ? 0 : part(0.021),
        tokens: tokens(size.calls),
        estimatedTokens: tokens(size.calls * 0.011),
        firstContent: percentiles(412, 2.6, 5.1),
        total: percentiles(3_740, 2.9, 5.4),
        series,
      }
    },
    usage(name, by) {
      const keys = {
        model: models,
        tenant: [
          'key-a03f61bb20c4Xk2_q9ZtVw',
          'key-5be10cc9d1f7Yh4-m1RsLp',
          'key-77aa01e4d0b2Qc8_z5NdGe',
          '',
        ],
        target: ['claude', 'openrouter', 'local'],
        role: ['primary', 'retry', 'hedge', 'mirror'],
        day: Array.from({ length: 7 }, (_, day) =>
          new Date(now - day * 86_400_000).toISOString().slice(0, 10),
        ),
      }[by]
      const many =
        isBig && by === 'tenant'
          ? Array.from({ length: 3_000 }, (_, n) => `key-${n.toString(16).padStart(12, '0')}`)
          : []
      const rows = [...keys, ...many].map((key, index) => {
        const count = Math.max(
          1,
          Math.round(size.calls * (by === 'day' ? 0.14 : 0.68 / 3.1 ** Math.min(index, 9))),
        )
        const isFree = key === 'llama3.2' || key === 'local'
        return {
          key,
          calls: count,
          failedCalls: Math.round(count * 0.002 * index),
          attempts: Math.round(count * 1.04),
          errors: Math.round(count * 0.004 * index),
          tokens: tokens(count),
          estimatedTokens: tokens(index === 0 ? count * 0.01 : 0),
          costNano: isFree ? '0' : cost(count),
          estimatedCostNano: !isFree && index === 0 ? cost(count * 0.01) : '0',
          estimated: index === 0 ? Math.round(count * 0.01) : 0,
          unpriced: isFree ? Math.round(count * 1.04) : 0,
        }
      })
      return { range: rangeOf(name, now), by, rows }
    },
    fallbacks: (name) => ({
      range: rangeOf(name, now),
      rows: [
        { from: 'claude', to: 'openrouter', reason: 'overloaded', calls: Math.max(1, part(0.019)) },
        { from: 'claude', to: 'openrouter', reason: 'rate_limited', calls: Math.max(1, part(0.007)) },
        { from: 'claude', to: 'local', reason: 'timeout', calls: Math.max(1, part(0.004)) },
        { from: 'claude', to: 'local', reason: 'circuit_open', calls: Math.max(1, part(0.001)) },
      ],
    }),
    series(name, by) {
      const { range, series } = this.summary(name)
      const keys = {
        target: ['claude', 'openrouter'],
        model: models,
        tenant: ['key-a03f61bb20c4Xk2_q9ZtVw', ''],
      }[by]
      return {
        ...{ range, by, times: series.map(({ at }) => at) },
        series: keys.map((key, index) => ({
          key,
          firstContent: percentiles(412 * (1 + index * 0.4), 2.6, 5.1),
          total: percentiles(3_740 * (1 + index * 0.3), 2.9, 5.4),
          points: series.map((point) => ({
            ...point,
            calls: Math.round(point.calls / (index + 2)),
            costNano: (BigInt(point.costNano) / BigInt(index + 2)).toString(),
            firstContent: percentiles(
              point.firstContent.p50 === null ? null : point.firstContent.p50 * (1 + index * 0.4),
              ...([2.6, 5.1] as const),
            ),
          })),
        })),
      }
    },
    facets: facetsOf(calls),
    sessions: sessionsOf(calls),
    alerts: [
      {
        ...{ kind: 'circuit_open', severity: 'critical', subject: 'claude/eu', since: now - 12_000 },
        message: 'the circuit of claude-sonnet-5-5 is open (failure_rate)',
      },
      {
        ...{ kind: 'ledger', severity: 'critical', subject: 'storage', since: null },
        message: 'the database does not answer: rows wait in the journal on disk',
      },
    ],
    story: (id) => {
      const call = calls.find((each) => each.id === id)
      return call && storyOf(call)
    },
    targets: targetsAt(now),
    mirrors: {
      mirrors: [
        {
          from: 'claude',
          to: 'candidate',
          sample: 0.05,
          comparisons: Math.max(1, part(0.048)),
          dropped: part(0.0009),
          similarity: 0.873,
          primary: {
            failures: part(0.0001),
            firstContent: percentiles(412, 2.6, 5.1),
            total: percentiles(3_740, 2.9, 5.4),
            outputTokens: part(20),
            costNano: cost(size.calls * 0.05),
          },
          candidate: {
            failures: part(0.0003),
            firstContent: percentiles(288, 3.1, 6.2),
            total: percentiles(2_610, 2.4, 4.1),
            outputTokens: part(23.4),
            costNano: cost(size.calls * 0.021),
          },
        },
      ],
    },
    keys: {
      keys: [
        key('claude', 3, 'active', now - 9 * 86_400_000, now - 4_000, 'a03f61bb20c4Xk2_q9ZtVw'),
        key('claude', 2, 'retiring', now - 64 * 86_400_000, now - 8.6 * 86_400_000, '5be10cc9d1f7Yh4-m1RsLp'),
        key('openrouter', 1, 'active', now - 31 * 86_400_000, now - 51_000, '77aa01e4d0b2Qc8_z5NdGe'),
        key('staging', 1, 'next', now - 3_600_000, null, 'c41d90fe7a63Pw1-x8KbTu'),
      ],
    },
    calls,
    audit: Array.from({ length: Math.min(size.rows, 120) }, (_, index) => ({
      sequence: 12_480 - index,
      at: now - index * 41_000 - 9_000,
      actor: index % 9 === 4 ? 'cli:operator' : 'key-a03f61bb20c4Xk2_q9ZtVw',
      action: index % 9 === 4 ? 'key.rotated' : 'call.ended',
      subject: index % 9 === 4 ? 'claude' : (models[index % 3] ?? ''),
      details:
        index % 9 === 4
          ? { version: 3, fingerprint: 'a03f61bb20c4Xk2_q9ZtVw' }
          : { target: 'claude', outcome: 'ok', address: '10.0.4.17' },
    })),
    nextCall: (at) => (size.live === 0 ? undefined : callAt(at, 1_000_000 + Math.round(at), random)),
  }
}

function callAt(at: number, index: number, random: () => number): CallRow {
  const luck = random()
  const model = models[Math.floor(random() ** 2 * 3)] ?? ''
  const failure = luck < 0.02 ? 'server' : luck < 0.04 ? 'cancelled' : null
  const fallback = failure === null && luck < 0.1 ? (failures[index % failures.length] ?? null) : null
  const firstContentMs = failure === 'server' ? null : Math.round(260 + random() ** 3 * 1_900)
  return {
    id: `call_${index.toString(36).padStart(8, '0')}`,
    at,
    tenant:
      index % 7 === 3
        ? null
        : `key-${['a03f61bb20c4Xk2_q9ZtVw', '5be10cc9d1f7Yh4-m1RsLp', '77aa01e4d0b2Qc8_z5NdGe'][index % 3]}`,
    session: index % 5 === 2 ? null : `session-${index % 40}`,
    model,
    modelAnswered: failure === 'server' ? null : model,
    target: failure === 'server' ? null : fallback === null ? 'claude' : luck < 0.07 ? 'local' : 'openrouter',
    stream: index % 4 !== 1,
    attempts: fallback === null ? 1 : 3,
    fallback,
    failure,
    status: failure === 'server' ? 502 : failure === 'cancelled' ? null : 200,
    firstContentMs,
    totalMs: Math.round((firstContentMs ?? 300) * (2 + random() * 9)),
    tokens: {
      input: Math.round(random() * 2_000),
      output: Math.round(40 + random() * 900),
      cacheRead: Math.round(random() * 14_000),
      cacheWrite: Math.round(random() * 900),
      reasoning: 0,
    },
    estimated: failure === 'cancelled',
    costNano: luck > 0.05 && luck < 0.07 ? null : Math.round(400_000 + random() ** 2 * 42_000_000).toString(),
  }
}

function targetsAt(now: number): Targets {
  const closed = (name: string, failureRate: number | null): CircuitView => ({
    key: name,
    scope: 'model',
    state: 'closed',
    forced: false,
    since: now - 3 * 3_600_000,
    failureRate,
    history: [],
  })
  const recovered: CircuitView = {
    ...closed('claude-opus-5-5', 0.021),
    since: now - 34 * minute,
    history: [
      { at: now - 34 * minute, from: 'half-open', to: 'closed', reason: 'probes_succeeded' },
      { at: now - 35 * minute, from: 'open', to: 'half-open', reason: 'time_over' },
      { at: now - 36 * minute, from: 'closed', to: 'open', reason: 'failure_rate' },
    ],
  }
  return {
    shared: { limits: 'shared' },
    targets: [
      {
        name: 'claude',
        api: 'anthropic',
        endpoints: [
          {
            name: 'primary',
            url: 'https://api.anthropic.com',
            share: 0.81,
            circuits: [closed('claude-sonnet-5-5', 0.004), recovered],
            headroom: {
              requestsPerMinute: { used: 412, limit: 600 },
              inputTokensPerMinute: { used: 371_040, limit: 400_000 },
              outputTokensPerMinute: { used: 22_480, limit: 80_000 },
              concurrency: { used: 17, limit: 50 },
            },
          },
          {
            name: 'eu',
            url: 'https://eu.gateway.example.com/anthropic',
            share: 0.19,
            ejectedUntil: now + 20_000,
            circuits: [
              {
                ...closed('claude-sonnet-5-5', 0.62),
                state: 'open',
                since: now - 12_000,
                history: [{ at: now - 12_000, from: 'closed', to: 'open', reason: 'failure_rate' }],
              },
            ],
            headroom: { requestsPerMinute: { used: 12, limit: 600 } },
          },
        ],
      },
      {
        name: 'openrouter',
        api: 'openrouter',
        endpoints: [
          {
            name: 'openrouter',
            url: 'https://openrouter.ai/api',
            circuits: [closed('anthropic/claude-sonnet-5.5', null)],
            headroom: { concurrency: { used: 2, limit: 50 } },
          },
        ],
      },
      {
        name: 'local',
        api: 'ollama',
        endpoints: [{ name: 'local', url: 'http://127.0.0.1:11434', circuits: [], headroom: {} }],
      },
    ],
  }
}

function key(
  name: string,
  version: number,
  state: string,
  createdAt: number,
  lastUsedAt: number | null,
  fingerprint: string,
): Keys['keys'][number] {
  return { name, version, state, createdAt, lastUsedAt, fingerprint, environment: 'production' }
}

function rangeOf(name: RangeName, now: number): TimeRange {
  return { from: now - lengths[name], to: now }
}

/** More by day than by night. */
function daily({ from, to }: TimeRange, progress: number): number {
  const hour = (((from + (to - from) * progress) / 3_600_000) % 24) - 14
  return 0.35 + Math.max(0, Math.cos((hour / 24) * 2 * Math.PI))
}

function percentiles(p50: number | null, toP95: number, toP99: number): Percentiles {
  return p50 === null ? noPercentiles : { p50, p95: p50 * toP95, p99: p50 * toP99 }
}

/** The same numbers each time (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

function facetsOf(calls: readonly CallRow[]): Facets['facets'] {
  const count = (of: (call: CallRow) => string) => {
    const counts = new Map<string, number>()
    for (const call of calls) counts.set(of(call), (counts.get(of(call)) ?? 0) + 1)
    return [...counts]
      .map(([value, count]) => ({ value, calls: count }))
      .toSorted((a, b) => b.calls - a.calls)
  }
  return {
    model: count(({ model }) => model),
    tenant: count(({ tenant }) => tenant ?? ''),
    target: count(({ target }) => target ?? ''),
    failure: count(({ failure }) => failure ?? ''),
    status: count(({ status }) => String(status ?? 0)),
    reason: count(({ fallback }) => fallback ?? ''),
  }
}

function sessionsOf(calls: readonly CallRow[]): Sessions['rows'] {
  const names = [...new Set(calls.flatMap(({ session }) => session ?? []))]
  return names
    .map((session) => {
      const own = calls.filter((call) => call.session === session)
      return {
        session,
        tenant: own[0]?.tenant ?? '',
        calls: own.length,
        errors: own.filter(({ failure }) => failure !== null && failure !== 'cancelled').length,
        attempts: own.reduce((sum, { attempts }) => sum + attempts, 0),
        input: own.reduce((sum, { tokens }) => sum + tokens.input + tokens.cacheRead, 0),
        output: own.reduce((sum, { tokens }) => sum + tokens.output, 0),
        costNano: String(own.reduce((sum, { costNano }) => sum + BigInt(costNano ?? 0), 0n)),
        unpriced: 0,
        lastHour: Math.floor((own[0]?.at ?? 0) / 3_600_000) * 3_600_000,
      }
    })
    .toSorted((a, b) => Number(BigInt(b.costNano) - BigInt(a.costNano)))
}

/** A call that failed, or that another target answered, was first refused by Claude. */
function storyOf(call: CallRow): CallStory {
  const attempt = (number: number, more: Partial<Attempt>): Attempt => ({
    number,
    role: number === 1 ? 'primary' : 'fallback',
    at: call.at,
    target: call.target,
    endpoint: 'primary',
    provider: 'anthropic',
    modelAsked: call.model,
    modelAnswered: call.model,
    failure: null,
    status: null,
    code: null,
    requestId: null,
    message: null,
    stopReason: 'end_turn',
    firstContentMs: call.firstContentMs,
    totalMs: call.totalMs,
    tokens: call.tokens,
    estimated: call.estimated,
    costNano: call.costNano,
    ...more,
  })
  const failed = attempt(1, {
    target: 'claude',
    modelAnswered: null,
    failure: call.failure ?? call.fallback ?? 'server',
    status: 529,
    code: 'overloaded_error',
    requestId: 'req_011CSHoEeqs5C35K2UUqR7Fy',
    message: 'Overloaded: the vendor asks to come back later.',
    stopReason: null,
    firstContentMs: null,
    totalMs: call.totalMs * 0.2,
    tokens: noTokens,
    costNano: null,
  })
  const isTrouble = call.failure !== null || call.fallback !== null
  const second = attempt(2, { at: call.at + call.totalMs * 0.25, totalMs: call.totalMs * 0.75 })
  return {
    call,
    api: 'anthropic',
    operation: 'generate',
    stopReason: call.failure === null ? 'end_turn' : null,
    attempts: !isTrouble ? [attempt(1, {})] : call.failure === null ? [failed, second] : [failed],
    refusals: isTrouble
      ? [{ target: 'openrouter', failure: 'circuit_open', message: 'the circuit is open for 9 s more' }]
      : [],
    isRemembered: isTrouble,
    hasContent: true,
  }
}
