import { type Query, rangeOf, type TimeRange } from '@spillway/gateway-api'

type RangeQuery = Pick<Query<'calls'>, 'range' | 'from' | 'to'>

/** The part of the past that a query asks for. */
export function spanOf(query: RangeQuery, now: number): TimeRange {
  const { from, to } = rangeOf(query, now)
  return { from, to }
}

/** The same where no range is everything: undefined then. */
export function spanIfAsked(query: RangeQuery, now: number): TimeRange | undefined {
  const { range, from, to } = query
  return range === undefined && from === undefined && to === undefined ? undefined : spanOf(query, now)
}
