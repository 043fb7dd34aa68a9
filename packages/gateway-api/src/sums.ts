import { z } from 'zod'
import { duration, integer, list, money, named, object, tenantName, text, time } from './values.ts'

export const timeRange = named('TimeRange', object({ from: time, to: time }))
export type TimeRange = z.infer<typeof timeRange>

export const percentiles = named(
  'Percentiles',
  object({ p50: duration.nullable(), p95: duration.nullable(), p99: duration.nullable() }),
)
export type Percentiles = z.infer<typeof percentiles>

export const tokenCounts = named(
  'TokenCounts',
  object({ input: integer, output: integer, cacheRead: integer, cacheWrite: integer, reasoning: integer }),
)
export type TokenCounts = z.infer<typeof tokenCounts>

const point = {
  calls: integer,
  errors: integer.describe('Calls that failed, but for those that were cancelled.'),
  fallbacks: integer,
  costNano: money,
  firstContent: percentiles,
  total: percentiles,
}

export const seriesPoint = named('SeriesPoint', object({ at: time, ...point }))
export type SeriesPoint = z.infer<typeof seriesPoint>

export const summary = named(
  'Summary',
  object({
    range: timeRange,
    ...point,
    cancelled: integer,
    retries: integer.describe('Attempts beyond the first of each call.'),
    retryCostNano: money,
    estimatedCostNano: money.describe('The part of `costNano` that rests on estimated tokens.'),
    unpriced: integer.describe('Attempts whose model has no price.'),
    tokens: tokenCounts,
    estimatedTokens: tokenCounts.describe('The part of `tokens` that attempts marked as an estimate used.'),
    series: list(seriesPoint).describe('Equal steps of time, oldest first; empty ones included.'),
  }),
)
export type Summary = z.infer<typeof summary>

const usage = {
  calls: integer,
  failedCalls: integer.describe('Calls that failed, but for those that were cancelled.'),
  attempts: integer,
  errors: integer.describe('Attempts that failed, but for those that were cancelled.'),
  tokens: tokenCounts,
  estimatedTokens: tokenCounts,
  costNano: money,
  estimatedCostNano: money,
  estimated: integer,
  unpriced: integer,
}

export const groupings = ['model', 'tenant', 'target', 'role', 'day'] as const

export const usageRow = named('UsageRow', object({ key: text, name: tenantName.optional(), ...usage }))
export type UsageRow = z.infer<typeof usageRow>

export const usageAnswer = named(
  'Usage',
  object({
    range: timeRange,
    by: z.enum(groupings),
    rows: list(usageRow).describe('The groups that cost most, in the order of their keys.'),
    other: object({ groups: integer, ...usage })
      .optional()
      .describe('The sum of all other groups; not there where there are none.'),
  }),
)
export type Usage = z.infer<typeof usageAnswer>

export const fallbacks = named(
  'Fallbacks',
  object({
    range: timeRange,
    rows: list(object({ from: text, to: text, reason: text, calls: integer })),
  }),
)
export type Fallbacks = z.infer<typeof fallbacks>

export const splits = ['model', 'tenant', 'target'] as const

export const splitSeries = named(
  'Series',
  object({
    range: timeRange,
    by: z.enum(splits),
    times: list(time).describe('The begins of the steps.'),
    series: list(
      object({
        ...{ key: text, name: tenantName.optional() },
        ...{ firstContent: percentiles, total: percentiles, points: list(seriesPoint) },
      }),
    ).describe('The groups that cost most, with their latencies over the whole range.'),
    other: object({ groups: integer, points: list(seriesPoint) }).optional(),
  }),
)
export type Series = z.infer<typeof splitSeries>

const facet = list(object({ value: text, name: tenantName.optional(), calls: integer })).describe(
  'The most frequent values first; empty is none.',
)

export const facetNames = ['model', 'tenant', 'target', 'failure', 'status', 'reason', 'session'] as const
export type FacetName = (typeof facetNames)[number]

export const facets = named(
  'Facets',
  object({
    range: timeRange,
    facets: object({
      model: facet,
      tenant: facet,
      target: facet,
      failure: facet,
      status: facet,
      reason: facet,
      session: facet.describe('Conversations of the newest 2,000 calls that match.'),
    }),
  }),
)
export type Facets = z.infer<typeof facets>

export const matches = named(
  'Matches',
  object({
    range: timeRange,
    times: list(time).describe('The begins of the steps.'),
    calls: list(integer),
    problems: list(integer).describe(
      'Those of them that failed (cancelled ones not among them) or that another target answered.',
    ),
  }),
)
export type Matches = z.infer<typeof matches>

export const sessionOrders = ['cost', 'calls', 'errors', 'recent'] as const

export const sessions = named(
  'Sessions',
  object({
    range: timeRange,
    rows: list(
      object({
        session: text,
        tenant: text,
        tenantName,
        calls: integer,
        errors: integer,
        attempts: integer,
        input: integer,
        output: integer,
        costNano: money,
        unpriced: integer,
        lastAt: time.describe(
          'When its last call began; where that is not kept any more, the begin of its hour or day.',
        ),
      }),
    ),
  }),
)
export type Sessions = z.infer<typeof sessions>
