import { z } from 'zod'
import { alertKinds } from './plain-values.ts'
import { percentiles } from './sums.ts'
import { integer, list, money, named, number, object, tenantName, text, time } from './values.ts'

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
    state: z.enum(['closed', 'open', 'half-open']),
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
    mirrors: list(
      object({
        from: text,
        to: text,
        sample: number,
        comparisons: integer,
        dropped: integer,
        primary: mirrorSide,
        candidate: mirrorSide,
        similarity: number.nullable().describe('Mean similarity of the texts, 0 to 1.'),
      }),
    ),
  }),
)
export type Mirrors = z.infer<typeof mirrors>

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
