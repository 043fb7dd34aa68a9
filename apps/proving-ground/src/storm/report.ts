import { type GiveUpReason, retryDefaults } from '@spillway/retry'
import { faultMix, planAttempt } from './attempt-plan.ts'
import { outageAt, type Schedule } from './schedule.ts'
import { type Part, type Summary, summarise } from './summary.ts'
import { checkTargets, type Target } from './targets.ts'
import type { WayRun } from './virtual-storm.ts'
import { wayTitles } from './ways.ts'

/** One storm as it is reported. */
export interface Storm {
  readonly title: string
  /** How it was run. */
  readonly note: string
  readonly schedule: Schedule
  readonly runs: readonly WayRun[]
  /** How many times as fast as the waits the clock ran: they are reported in the machine's own time. */
  readonly speed: number
}

/** A storm in tables: the first row of each is its head. */
export interface Report {
  readonly title: string
  readonly note: string
  readonly tables: readonly { readonly title: string; readonly rows: readonly (readonly string[])[] }[]
  /** Why calls failed for good outside the outages although they were retried. */
  readonly remaining: string
  readonly targets: readonly Target[]
}

const head = [
  'way',
  'calls',
  'errors',
  'error rate',
  'lower than direct',
  'attempts a call',
  'answered twice',
  'p50 wait',
  'p99 wait',
] as const

const partTitles: Readonly<Record<Part, string>> = {
  outside: 'Outside the outages',
  inside: 'Inside the outages',
  all: 'All calls',
}

/** The error rate of others that retry, compared with direct calls; the figure to beat. */
export const publishedReduction = '32 %'

export function reportOf({ title, note, schedule, runs, speed }: Storm): Report {
  const tables = (['outside', 'inside', 'all'] as const).map((part) => ({
    title: partTitles[part],
    rows: [head, ...summarise(runs, schedule, part).map((summary) => rowOf(summary, speed))],
  }))
  return { title, note, tables, remaining: remaining(runs, schedule), targets: checkTargets(runs, schedule) }
}

function rowOf(summary: Summary, speed: number): string[] {
  const { way, calls, errors, errorRate, reduction, attemptsPerCall, answeredTwice, p50, p99 } = summary
  return [
    wayTitles[way],
    String(calls),
    String(errors),
    `${(errorRate * 100).toFixed(3)} %`,
    way === 'direct' ? '' : `${(reduction * 100).toFixed(2)} %`,
    attemptsPerCall.toFixed(3),
    String(answeredTwice),
    wait(p50 / speed),
    wait(p99 / speed),
  ]
}

const reasons: Partial<Record<GiveUpReason, string>> = {
  attempts: 'failed three times',
  budget: 'found the retry budget empty',
  deadline: 'had no time left',
}

function remaining(runs: readonly WayRun[], schedule: Schedule): string {
  const failed = runs
    .filter(({ way }) => way === 'chain')
    .flatMap(({ results }) => results)
    .filter(({ failure, call }) => failure !== undefined && outageAt(schedule, call.at) === undefined)
  const parts = Object.entries(reasons)
    .map(([reason, words]) => ({ words, count: failed.filter(({ gaveUp }) => gaveUp === reason).length }))
    .filter(({ count }) => count > 0)
    .map(({ words, count }) => `${count} ${words}`)
  const share = faultMix.reduce((sum, fault) => sum + fault.share, 0)
  const expected = (1 - share ** (retryDefaults.attempts - 1)) * 100
  return (
    `Errors that remain outside the outages without fallback: ${parts.join(', ') || 'none'}. By the faults drawn, ` +
    `${boundToFail(schedule)} of these calls had to fail three times; on average three attempts make the error rate ${expected.toFixed(2)} % lower.`
  )
}

/** How many calls outside the outages meet a fault at every attempt that they may make. */
function boundToFail({ seed, calls, outages }: Schedule): number {
  const attempts = Array.from({ length: retryDefaults.attempts }, (_, attempt) => attempt)
  return calls.filter(
    ({ index, at, stream }) =>
      outageAt({ outages }, at) === undefined &&
      attempts.every((attempt) => planAttempt(seed, index, attempt, stream).fault !== undefined),
  ).length
}

function wait(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`
}
