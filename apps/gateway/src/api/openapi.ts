import { groupings, ranges } from './parameters.ts'

type Schema = Readonly<Record<string, unknown>>

const integer: Schema = { type: 'integer' }
const number: Schema = { type: 'number' }
const text: Schema = { type: 'string' }
const flag: Schema = { type: 'boolean' }
const money: Schema = { type: 'string', pattern: '^\\d+$', description: 'Whole nano-dollars.' }
const time: Schema = { type: 'integer', description: 'Milliseconds since the Unix epoch.' }

const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` })
const list = (items: Schema): Schema => ({ type: 'array', items })
const maybe = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] })

/** An object; names that end in `?` may be missing. */
function object(properties: Readonly<Record<string, Schema>>): Schema {
  const names = Object.keys(properties)
  return {
    type: 'object',
    required: names.filter((name) => !name.endsWith('?')),
    properties: Object.fromEntries(names.map((name) => [name.replace('?', ''), properties[name]])),
  }
}

const point = {
  calls: integer,
  errors: integer,
  fallbacks: integer,
  costNano: money,
  firstContent: ref('Percentiles'),
  total: ref('Percentiles'),
}

const usage = {
  calls: integer,
  attempts: integer,
  errors: integer,
  tokens: ref('TokenCounts'),
  estimatedTokens: ref('TokenCounts'),
  costNano: money,
  estimatedCostNano: money,
  estimated: integer,
  unpriced: integer,
}

const mirrorSide = object({
  failures: integer,
  firstContent: ref('Percentiles'),
  total: ref('Percentiles'),
  outputTokens: integer,
  costNano: maybe(money),
})

const schemas: Readonly<Record<string, Schema>> = {
  TimeRange: object({ from: time, to: time }),
  Percentiles: object({ p50: maybe(number), p95: maybe(number), p99: maybe(number) }),
  TokenCounts: object({
    input: integer,
    output: integer,
    cacheRead: integer,
    cacheWrite: integer,
    reasoning: integer,
  }),
  SeriesPoint: object({ at: time, ...point }),
  Summary: object({
    range: ref('TimeRange'),
    ...point,
    cancelled: integer,
    retries: integer,
    retryCostNano: money,
    estimatedCostNano: money,
    unpriced: integer,
    tokens: ref('TokenCounts'),
    estimatedTokens: ref('TokenCounts'),
    series: list(ref('SeriesPoint')),
  }),
  Usage: object({
    range: ref('TimeRange'),
    by: { enum: groupings },
    rows: list(object({ key: text, ...usage })),
    'other?': object({ groups: integer, ...usage }),
  }),
  Fallbacks: object({
    range: ref('TimeRange'),
    rows: list(object({ from: text, to: text, reason: text, calls: integer })),
  }),
  Targets: object({
    targets: list(
      object({
        name: text,
        api: text,
        endpoints: list(
          object({
            name: text,
            url: text,
            circuits: list(ref('Circuit')),
            headroom: {
              type: 'object',
              additionalProperties: object({ used: number, limit: number }),
            },
            'limitGroups?': list(ref('LimitGroup')),
            'share?': number,
            'ejectedUntil?': time,
          }),
        ),
      }),
    ),
    'shared?': object({ limits: text }),
  }),
  LimitGroup: object({
    group: text,
    headroom: {
      type: 'object',
      additionalProperties: object({ used: number, limit: number }),
    },
    'closedUntil?': time,
    vendor: list(object({ name: text, limit: maybe(number), remaining: number, resetAt: time })),
  }),
  Circuit: object({
    key: text,
    scope: { enum: ['model', 'key'] },
    state: { enum: ['closed', 'open', 'half-open'] },
    forced: flag,
    since: time,
    failureRate: maybe(number),
    history: list(object({ at: time, from: text, to: text, reason: text })),
  }),
  CallRow: object({
    id: text,
    at: time,
    tenant: maybe(text),
    model: text,
    target: maybe(text),
    stream: flag,
    attempts: integer,
    fallback: maybe(text),
    failure: maybe(text),
    firstContentMs: maybe(number),
    totalMs: number,
    tokens: ref('TokenCounts'),
    estimated: flag,
    costNano: maybe(money),
  }),
  Calls: object({ calls: list(ref('CallRow')), 'next?': text }),
  Mirrors: object({
    mirrors: list(
      object({
        from: text,
        to: text,
        sample: number,
        comparisons: integer,
        dropped: integer,
        primary: mirrorSide,
        candidate: mirrorSide,
        similarity: maybe(number),
      }),
    ),
  }),
  Keys: object({
    keys: list(
      object({
        name: text,
        version: integer,
        state: text,
        createdAt: time,
        lastUsedAt: maybe(time),
        fingerprint: text,
        environment: text,
      }),
    ),
  }),
  Audit: object({
    entries: list(
      object({
        sequence: integer,
        at: time,
        actor: text,
        action: text,
        subject: text,
        details: { type: 'object' },
      }),
    ),
    'next?': text,
  }),
  Error: object({ error: object({ status: integer, message: text }) }),
}

const limit = { type: 'integer', minimum: 1, maximum: 1000, default: 50 }

const parameters: Readonly<Record<string, Schema>> = {
  range: { enum: Object.keys(ranges), default: '24h' },
  by: { enum: groupings, default: 'model' },
  limit,
  /** The `limit` of groups. */
  groups: { ...limit, default: 100 },
  before: { type: 'string', description: '`next` of the page before.' },
  model: text,
  tenant: text,
  target: text,
  failure: { type: 'string', description: 'The kind of a failure; `any` for each but `cancelled`.' },
  query: { type: 'string', description: 'A part of the text.' },
}

function path(summary: string, schema: Schema, names: readonly string[] = []): Schema {
  const error = { content: { 'application/json': { schema: ref('Error') } } }
  return {
    get: {
      summary,
      ...(names.length > 0 && {
        parameters: names.map((name) => ({
          name: name === 'groups' ? 'limit' : name,
          in: 'query',
          schema: parameters[name],
        })),
      }),
      responses: {
        200: { description: 'As of now.', content: { 'application/json': { schema } } },
        400: { description: 'A parameter is wrong; the message names it.', ...error },
        503: { description: 'The database or the vault does not answer.', ...error },
      },
    },
  }
}

/** The description of `/api`, as `GET /api/openapi.json` gives it. */
export const openApi: Schema & { readonly paths: Readonly<Record<string, Schema>> } = {
  openapi: '3.1.0',
  info: {
    title: 'Spillway',
    version: '1',
    description:
      'What the dashboard reads. Times are milliseconds since the Unix epoch, durations milliseconds, money whole nano-dollars as text.',
  },
  paths: {
    '/api/summary': path('Calls, costs and latencies of a range', ref('Summary'), ['range']),
    '/api/usage': path('Tokens and costs of the groups that cost most, and of all others', ref('Usage'), [
      'by',
      'range',
      'groups',
    ]),
    '/api/fallbacks': path('Who answered instead of whom, and why', ref('Fallbacks'), ['range']),
    '/api/calls': path('Single calls, newest first', ref('Calls'), [
      'limit',
      'before',
      'model',
      'tenant',
      'target',
      'failure',
      'query',
    ]),
    '/api/targets': {
      ...path('Targets, circuits and limits as they are now', ref('Targets')),
      post: {
        summary: 'Opens by hand what a 429 of the vendor has closed, and forgets what it said is left',
        parameters: [
          { name: 'open', in: 'query', required: true, schema: { enum: ['limits'] } },
          { name: 'target', in: 'query', required: true, schema: text },
          { name: 'endpoint', in: 'query', schema: text },
        ],
        responses: {
          200: {
            description: 'As of now.',
            content: { 'application/json': { schema: ref('Targets') } },
          },
          400: {
            description: 'A parameter is wrong; the message names it.',
            content: { 'application/json': { schema: ref('Error') } },
          },
        },
      },
    },
    '/api/mirror': path('Comparisons of mirrored calls', ref('Mirrors')),
    '/api/keys': path('Keys in the vault, never a value', ref('Keys')),
    '/api/audit': path('The audit log, newest first', ref('Audit'), ['limit', 'before', 'query']),
    '/api/openapi.json': path('This description', { type: 'object' }),
    '/api/live': {
      get: {
        summary: 'Server-sent events: `call` (a CallRow), `circuit` (target, endpoint, circuit), `ping`',
        responses: {
          200: { description: 'Until the gateway stops.', content: { 'text/event-stream': {} } },
          503: { description: 'Too many watch already.' },
        },
      },
    },
  },
  components: { schemas },
}
