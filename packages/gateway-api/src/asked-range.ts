import { BadParameter } from './bad-parameter.ts'
import { minute, type RangeName, ranges } from './plain-values.ts'

/** A part of the past and the length of its steps, in milliseconds. */
export interface AskedRange {
  readonly from: number
  readonly to: number
  readonly step: number
}

/** Steps of a series at most, unless its range has a name. */
const mostSteps = 120

/**
 * The part of the past that is asked for: of a name, whole steps, the last one not over yet.
 * @throws BadParameter where begin and end are no range
 */
export function rangeOf(
  asked: {
    readonly range?: RangeName | undefined
    readonly from?: number | undefined
    readonly to?: number | undefined
  },
  now: number,
): AskedRange {
  if (asked.from !== undefined || asked.to !== undefined) {
    const { from = 0, to = now } = asked
    if (!(from < to)) throw new BadParameter('from', 'expected a time before `to`')
    return { from, to, step: Math.max(minute, Math.ceil((to - from) / mostSteps / minute) * minute) }
  }
  const { length, step } = ranges[asked.range ?? '24h']
  const to = Math.ceil((now + 1) / step) * step
  return { from: to - length, to, step }
}
