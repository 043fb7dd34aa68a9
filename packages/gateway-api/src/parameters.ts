import { z } from 'zod'
import { BadParameter } from './bad-parameter.ts'
import { none, type RangeName, ranges } from './plain-values.ts'
import { groupings, sessionOrders, splits } from './sums.ts'

// What questions are asked with, as texts of a query. An empty one is none.

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `expected one of ${values.join(', ')}` })

const wholeNumber = (max: number, min = 1) => {
  const error = `expected a whole number from ${min} to ${max}`
  return z.coerce.number({ error }).int({ error }).min(min, { error }).max(max, { error })
}

const text = z.string().max(200, { error: 'expected at most 200 characters' })
const filter = text.optional().describe(`Exactly this; ${none} for calls without one.`)

const cursor = text.regex(/^\d{1,15}\../s, { error: 'expected `next` of another page' })

const latest = 8.64e15
const moment = wholeNumber(latest, 0).optional().describe('Milliseconds since the Unix epoch.')

/** A range by its name, or by its begin and end. */
const range = {
  range: oneOf(Object.keys(ranges) as [RangeName, ...RangeName[]]).default('24h'),
  from: moment,
  to: moment,
}

/** The same where no range is everything. */
const anyRange = { ...range, range: range.range.unwrap().optional() }

const outcome = {
  model: filter,
  tenant: filter,
  target: filter,
  failure: filter,
  status: wholeNumber(999, 0).optional().describe('As the caller got it; 0 for calls without one.'),
  reason: filter.describe('Why the first target was left.'),
  problems: z
    .enum(['true', 'false'], { error: 'expected true or false' })
    .transform((value) => value === 'true')
    .optional()
    .describe('Only calls that failed (cancelled ones not among them) or that another target answered.'),
}

const limit = (otherwise: number, max = 1000) => wholeNumber(max).default(otherwise)
const format = oneOf(['json', 'csv']).default('json').describe('csv for spreadsheets.')

export const queries = {
  nothing: z.strictObject({}),
  summary: z.strictObject(range),
  usage: z.strictObject({ by: oneOf(groupings).default('model'), ...range, limit: limit(100), format }),
  fallbacks: z.strictObject({ ...range, format }),
  budgets: z.strictObject({ limit: limit(200), format }),
  mirror: z.strictObject({ ...range, format }),
  changes: z.strictObject({ ...range, limit: limit(200), format }),
  series: z.strictObject({ by: oneOf(splits).default('target'), ...range, limit: limit(6, 20), format }),
  facets: z.strictObject({ ...range, ...outcome }),
  sessions: z.strictObject({
    order: oneOf(sessionOrders).default('cost'),
    ...range,
    limit: limit(50),
    format,
  }),
  calls: z.strictObject({
    limit: limit(50),
    before: cursor.optional().describe('`next` of the page before.'),
    ...anyRange,
    ...outcome,
    session: text.optional(),
    query: text.optional().describe('The begin of an id, or a part of a name.'),
    format,
  }),
  audit: z.strictObject({
    limit: limit(50),
    before: wholeNumber(Number.MAX_SAFE_INTEGER).optional(),
    ...anyRange,
    action: text.optional().describe('Entries of this action; -call for all but those.'),
    query: text.optional().describe('A part of the text.'),
    format,
  }),
  openLimits: z.strictObject({
    open: z.literal('limits', { error: 'expected limits' }),
    target: text.optional().describe('Must be there.'),
    endpoint: text.optional().describe('All of the target by default.'),
  }),
} as const

export type QueryName = keyof typeof queries
export type Query<N extends QueryName> = z.output<(typeof queries)[N]>

/**
 * A query by its name.
 * @throws BadParameter for a parameter that is not known, is given twice or has no such value
 */
export function readQuery<N extends QueryName>(name: N, given: URLSearchParams): Query<N> {
  const schema = queries[name]
  const known = Object.keys(schema.shape)
  const values: Record<string, string> = {}
  for (const [key, value] of given) {
    if (!known.includes(key)) {
      const there = known.length === 0 ? 'there are no parameters here' : `there are ${known.join(', ')}`
      // A long one may be a key that was pasted in the wrong place.
      throw new BadParameter(key.length > 20 ? 'query' : key, `unknown parameter; ${there}`)
    }
    if (given.getAll(key).length > 1) throw new BadParameter(key, 'given more than once')
    if (value !== '') values[key] = value
  }
  const read = schema.safeParse(values)
  if (read.success) return read.data as Query<N>
  const [issue] = read.error.issues
  throw new BadParameter(String(issue?.path[0] ?? 'query'), issue?.message ?? 'wrong')
}
