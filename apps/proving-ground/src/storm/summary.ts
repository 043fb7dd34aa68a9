import { outageAt, type Schedule } from './schedule.ts'
import type { WayRun } from './virtual-storm.ts'
import type { WayName } from './ways.ts'

/** Which calls are looked at; a call belongs to an outage when it was made during one. */
export type Part = 'outside' | 'inside' | 'all'

/** What became of the calls of one way. */
export interface Summary {
  readonly way: WayName
  readonly calls: number
  readonly errors: number
  readonly errorRate: number
  /** How much lower than direct the error rate is, 0 to 1. */
  readonly reduction: number
  readonly attemptsPerCall: number
  /** Calls whose answer came more than once, or at another call. */
  readonly answeredTwice: number
  /** Calls that did not get exactly one result. */
  readonly notOneResult: number
  /** Waits of the median and of the slowest hundredth, in milliseconds of the clock. */
  readonly p50: number
  readonly p99: number
}

/** Sums up the runs of a schedule. The first is the one to compare with. */
export function summarise(runs: readonly WayRun[], schedule: Schedule, part: Part): Summary[] {
  const within = (at: number): boolean =>
    part === 'all' || (outageAt(schedule, at) !== undefined) === (part === 'inside')
  let direct: number | undefined
  return runs.map((run) => {
    const summary = summariseRun(run, schedule, within)
    direct ??= summary.errorRate
    return { ...summary, reduction: direct === 0 ? 0 : 1 - summary.errorRate / direct }
  })
}

function summariseRun(
  run: WayRun,
  schedule: Schedule,
  within: (at: number) => boolean,
): Omit<Summary, 'reduction'> {
  const calls = schedule.calls.filter(({ at }) => within(at))
  const results = run.results.filter(({ call }) => within(call.at))
  const errors = results.filter(({ failure }) => failure !== undefined).length
  const attempts = calls.reduce((sum, { index }) => sum + (run.attempts[index] ?? 0), 0)
  const waits = results.map(({ waitMs }) => waitMs).sort((a, b) => a - b)
  // Answers are looked for at all callers: one may have got the answer of another.
  const answers = countsOf(run.results.flatMap(({ call, answers }) => [...answers, ...strays(call, answers)]))
  const resultsOf = countsOf(results.map(({ call }) => call.index))
  return {
    way: run.way,
    calls: calls.length,
    errors,
    errorRate: errors / calls.length,
    attemptsPerCall: attempts / calls.length,
    answeredTwice: calls.filter(({ index }) => (answers.get(index) ?? 0) > 1).length,
    notOneResult: calls.filter(({ index }) => resultsOf.get(index) !== 1).length,
    p50: quantile(waits, 0.5),
    p99: quantile(waits, 0.99),
  }
}

/** An answer at the wrong caller counts for its own call twice, so that it is noticed. */
function strays({ index }: { readonly index: number }, answers: readonly number[]): number[] {
  return answers.filter((answered) => answered !== index)
}

function countsOf(indexes: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const index of indexes) counts.set(index, (counts.get(index) ?? 0) + 1)
  return counts
}

/** The smallest value that so large a part of the sorted values does not exceed. */
function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN
}
