import { grains } from './rollups.ts'
import type { TimeRange } from './views.ts'

/** Whole buckets of one grain. */
export interface Span extends TimeRange {
  readonly grain: number
}

/** The last moment of a `Date`; later ones mean "ever". */
export const latest = 8.64e15

/** A range in whole buckets of a grain: no shorter, and at most a bucket longer at either end. */
export function whole({ from, to }: TimeRange, grain: number): TimeRange {
  return {
    from: Math.floor(Math.max(from, 0) / grain) * grain,
    to: Math.ceil(Math.min(to, latest) / grain) * grain,
  }
}

export const wholeMinutes = (range: TimeRange): TimeRange => whole(range, grains.minute)

/** A range of whole minutes in as few buckets as it can be read from, none longer than `longest`. */
export function spansOf(range: TimeRange, longest: number = grains.day): readonly Span[] {
  const [grain, ...shorter] = Object.values(grains)
    .filter((each) => each <= longest)
    .sort((a, b) => b - a)
  return grain === undefined ? [] : split(range, grain, shorter)
}

function split({ from, to }: TimeRange, grain: number, shorter: readonly number[]): readonly Span[] {
  if (from >= to) return []
  const [next, ...rest] = shorter
  if (next === undefined) return [{ grain, from, to }]
  const begin = Math.ceil(from / grain) * grain
  const end = Math.floor(to / grain) * grain
  if (begin >= end) return split({ from, to }, next, rest)
  return [
    ...split({ from, to: begin }, next, rest),
    { grain, from: begin, to: end },
    ...split({ from: end, to }, next, rest),
  ]
}

const { minute, hour, day } = grains
const steps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440].map((minutes) => minutes * minute)

/** Ranges longer than this are shown by whole hours: their minutes are too many to read. */
const longestByMinute = 36 * hour

/** A step that people can read, so that at most `count` of them, and one more, cover the range. */
export function stepOf({ from, to }: TimeRange, count: number): { step: number; grain: number } {
  const least = Math.max((to - from) / count, to - from > longestByMinute ? hour : minute)
  const step = steps.find((each) => each >= least) ?? Math.ceil(least / day) * day
  const grain = step % day === 0 ? day : step % hour === 0 ? hour : minute
  return { step, grain }
}
