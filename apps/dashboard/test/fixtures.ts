import {
  type Alerts,
  type Audit,
  type Budgets,
  type CallRow,
  type CallStory,
  type Calls,
  type Changes,
  type Clients,
  type Facets,
  type Fallbacks,
  type Keys,
  type Mirrors,
  type RangeName,
  ranges,
  type Series,
  type Sessions,
  type Summary,
  type Targets,
  type TimeRange,
  type TokenCounts,
  type Usage,
} from '@spillway/gateway-api'
import { budgetsAt } from './fixture-budgets.ts'
import { callAt, facetsOf, models, nameOf, noTokens, sessionsOf, storyOf } from './fixture-calls.ts'
import { noClients, someClients } from './fixture-clients.ts'
import { daily, noPercentiles, percentiles, randomFrom } from './fixture-numbers.ts'
import { changesAt, key, targetsAt } from './fixture-targets.ts'

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
  readonly budgets: Budgets['budgets']
  /** Newest first. */
  readonly changes: Changes['changes']
  readonly keys: Keys
  readonly clients: Clients
  /** Newest first; pages are cut from it. */
  readonly calls: Calls['calls']
  readonly audit: Audit['entries']
  /** A call that ends now, or undefined where none ever does. */
  nextCall(at: number): CallRow | undefined
}

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
    mirrors: { range: { from: 0, to: now }, mirrors: [] },
    changes: [],
    budgets: [],
    keys: { keys: [] },
    clients: noClients,
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
      // As the gateway's.
      const steps = Math.round(ranges[name].length / ranges[name].step)
      const shares = Array.from(
        { length: steps },
        (_, step) => daily(range, step / steps) * (0.85 + random() * 0.3),
      )
      const all = shares.reduce((sum, share) => sum + share, 0)
      const isFew = size.calls < 100
      const series = shares.map((share, step) => {
        const count = isFew
          ? step % Math.ceil(steps / 10) === 1
            ? 1
            : 0
          : Math.round((size.calls * share) / all)
        const trouble = step / steps > 0.62 && step / steps < 0.7 ? 5 : 1
        const wait = count === 0 ? null : 380 + random() * 90 + (trouble - 1) * 120
        return {
          at: range.from + ((range.to - range.from) / steps) * step,
          calls: count,
          errors: isFew ? 0 : Math.round(count * 0.002 * trouble),
          fallbacks: isFew ? Number(step === 11) : Math.round(count * 0.014 * trouble * trouble),
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
          ...(by === 'tenant' && { name: nameOf(key) }),
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
          ...(by === 'tenant' && { name: nameOf(key) }),
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
    changes: changesAt(now),
    budgets: budgetsAt(now),
    mirrors: {
      range: { from: 0, to: now },
      mirrors: [
        {
          from: 'claude',
          to: 'candidate',
          sample: 0.05,
          comparisons: Math.max(1, part(0.048)),
          dropped: part(0.0009),
          similarity: 0.873,
          newest: calls
            .filter(({ failure }) => failure === null)
            .slice(0, 20)
            .map(({ id, at, model, totalMs }, index) => ({
              ...{ callId: id, at, model, primaryMs: totalMs, candidateMs: totalMs * 0.7 },
              similarity: index % 9 === 4 ? null : 0.6 + (index % 5) / 12,
              candidateFailure: index % 9 === 4 ? 'timeout' : null,
            })),
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
    clients: someClients(now, isBig),
    calls,
    audit: Array.from({ length: Math.min(size.rows, 120) }, (_, index) => ({
      sequence: 12_480 - index,
      at: now - index * 41_000 - 9_000,
      actor: index % 9 === 4 ? 'cli:operator' : 'key-a03f61bb20c4Xk2_q9ZtVw',
      actorName: index % 9 === 4 ? null : 'Search team',
      action: index % 9 === 4 ? 'key.rotated' : 'call',
      subject: index % 9 === 4 ? 'claude' : (models[index % 3] ?? ''),
      details:
        index % 9 === 4
          ? { version: 3, fingerprint: 'a03f61bb20c4Xk2_q9ZtVw' }
          : { target: 'claude', outcome: 'ok', address: '10.0.4.17' },
    })),
    nextCall: (at) => (size.live === 0 ? undefined : callAt(at, 1_000_000 + Math.round(at), random)),
  }
}

function rangeOf(name: RangeName, now: number): TimeRange {
  return { from: now - ranges[name].length, to: now }
}
