import { z } from 'zod'
import { alertKinds } from './plain-values.ts'
import { percentiles, timeRange } from './sums.ts'
import { duration, integer, list, money, named, number, object, tenantName, text, time } from './values.ts'

const headroom = z.record(text, object({ used: number, limit: number })).readonly()

export const limitGroup = named(
  'LimitGroup',
  object({
    group: text.describe('A family of models or a model; empty where models are not told apart.'),
    headroom,
    closedUntil: time.optional().describe("When a vendor's 429 ends."),
    vendor: list(object({ name: text, limit: number.nullable(), remaining: number, resetAt: time })).describe(
      "The vendor's last word on each of its limits, less what was admitted since.",
    ),
  }),
)
export type LimitGroupView = z.infer<typeof limitGroup>

export const circuit = named(
  'Circuit',
  object({
    key: text,
    scope: z.enum(['model', 'key']),
    state: z.enum(['closed', 'open', 'half_open']),
    forced: z.boolean(),
    since: time,
    failureRate: number.nullable(),
    history: list(object({ at: time, from: text, to: text, reason: text })),
  }),
)
export type CircuitView = z.infer<typeof circuit>

export const endpoint = named(
  'Endpoint',
  object({
    name: text,
    url: text.describe('Empty for an embedded model.'),
    circuits: list(circuit),
    headroom: headroom.describe('What is used of each limit; empty where there is none.'),
    limitGroups: list(limitGroup).optional(),
    share: number.optional().describe('Of several endpoints: its share of the calls lately, 0 to 1.'),
    ejectedUntil: time.optional(),
  }),
)
export type EndpointView = z.infer<typeof endpoint>

export const targets = named(
  'Targets',
  object({
    targets: list(object({ name: text, api: text, endpoints: list(endpoint) })),
    shared: object({ limits: text }).optional().describe('Not there where nothing is shared.'),
  }),
)
export type Targets = z.infer<typeof targets>

/** The event `circuit` of `GET /api/live`. */
export interface LiveCircuit {
  readonly target: string
  readonly endpoint: string
  readonly circuit: CircuitView
}

const mirrorSide = object({
  failures: integer,
  firstContent: percentiles,
  total: percentiles,
  outputTokens: integer,
  costNano: money.nullable(),
})
export type MirrorSide = z.infer<typeof mirrorSide>

export const mirrors = named(
  'Mirrors',
  object({
    range: timeRange,
    mirrors: list(
      object({
        from: text,
        to: text,
        sample: number.nullable().describe('Null where the configuration has no such mirror any more.'),
        comparisons: integer,
        dropped: integer.describe(
          'Calls that were not mirrored, since callers come first; since the gateway started.',
        ),
        primary: mirrorSide,
        candidate: mirrorSide,
        similarity: number.nullable().describe('Mean similarity of the texts, 0 to 1.'),
        newest: list(
          object({
            callId: text.describe('The call of the primary.'),
            at: time,
            model: text,
            similarity: number.nullable(),
            primaryMs: duration,
            candidateMs: duration,
            candidateFailure: text.nullable(),
          }),
        ),
      }),
    ),
  }),
)
export type Mirrors = z.infer<typeof mirrors>

export const changeKinds = ['circuit', 'limit', 'endpoint'] as const

export const changes = named(
  'Changes',
  object({
    range: timeRange,
    changes: list(
      object({
        at: time,
        kind: z.enum(changeKinds),
        target: text,
        endpoint: text,
        subject: text.describe('The model or the key of a circuit, the group of a limit; may be empty.'),
        was: text,
        became: text,
        reason: text,
        until: time.nullable().describe('When it ends by itself, where that is known.'),
      }),
    ).describe('The newest first.'),
  }),
)
export type Changes = z.infer<typeof changes>

export const keys = named(
  'Keys',
  object({
    keys: list(
      object({
        name: text,
        version: integer,
        state: text,
        createdAt: time,
        lastUsedAt: time.nullable(),
        fingerprint: text,
        environment: text,
      }),
    ),
  }),
)
export type Keys = z.infer<typeof keys>

export const audit = named(
  'Audit',
  object({
    entries: list(
      object({
        sequence: integer,
        at: time,
        actor: text,
        actorName: tenantName,
        action: text,
        subject: text,
        details: z.record(text, z.unknown()).readonly(),
      }),
    ),
    next: text.optional(),
  }),
)
export type Audit = z.infer<typeof audit>

const amount = z.string().regex(/^\d+$/).describe('A whole number; of `usd` in nano-dollars.')

export const budgets = named(
  'Budgets',
  object({
    at: time,
    budgets: list(
      object({
        scope: z.enum(['all', 'team', 'client']),
        name: text.nullable().describe('Of the team or the client; null for everyone together.'),
        tenantName,
        team: text.nullable().describe('Of a client.'),
        unit: z.enum(['requests', 'tokens', 'usd']),
        period: z.enum(['minute', 'day', 'week', 'month']),
        hard: z.boolean().describe('Whether calls beyond it are refused.'),
        amount,
        used: amount,
        reserved: amount.describe('By calls in flight, at the most that they may use.'),
        share: number.describe('The part that is used: 1 is all of it.'),
        level: z.enum(['ok', 'warned', 'spent']),
        startsAt: time,
        resetsAt: time,
      }),
    ).describe('Those of which most is used first.'),
    more: integer.describe('How many there are beside these.'),
  }),
)
export type Budgets = z.infer<typeof budgets>

export const alerts = named(
  'Alerts',
  object({
    at: time,
    alerts: list(
      object({
        kind: z.enum(alertKinds),
        severity: z.enum(['warning', 'critical']),
        subject: text.describe('What it is about, such as `claude/1`.'),
        message: text,
        since: time.nullable(),
      }),
    ).describe('What needs a person now, the worst first.'),
  }),
)
export type Alerts = z.infer<typeof alerts>

export const error = named('Error', object({ error: object({ status: integer, message: text }) }))
