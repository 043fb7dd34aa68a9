import type { Schedule } from './schedule.ts'
import { type Summary, summarise } from './summary.ts'
import type { WayRun } from './virtual-storm.ts'
import { budget, type WayName } from './ways.ts'

/** Something that the policies promise, and whether it came true. */
export interface Target {
  readonly text: string
  readonly reached: string
  readonly holds: boolean
}

/** Checks the runs of a schedule against what is promised. */
export function checkTargets(runs: readonly WayRun[], schedule: Schedule): Target[] {
  const outside = summarise(runs, schedule, 'outside')
  const all = summarise(runs, schedule, 'all')
  const calm = of(outside, 'chain')
  const chain = of(all, 'chain')
  const fallback = of(all, 'fallback')
  const twice = all.reduce((sum, { answeredTwice }) => sum + answeredTwice, 0)
  const notOne = all.reduce((sum, { notOneResult }) => sum + notOneResult, 0)
  return [
    atLeast('error rate outside outages, without fallback: lower than direct by', calm.reduction, 0.99),
    atLeast('error rate of all calls, without fallback: lower than direct by', chain.reduction, 0.9),
    atLeast('calls answered with fallback', 1 - fallback.errorRate, 0.999),
    atMost('calls answered twice', twice, 0),
    atMost('calls without exactly one result', notOne, 0),
    ...runs.filter(({ way }) => way !== 'direct').map((run) => withinBudget(run, of(all, run.way))),
  ]
}

/** Attempts beyond the first of each call, and how many of them the budget allows in all. */
export function extraAttempts({ calls, attemptsPerCall }: Summary): { extra: number; allowed: number } {
  return {
    extra: Math.round((attemptsPerCall - 1) * calls),
    allowed: Math.floor(budget.ratio * calls + budget.initial),
  }
}

/** The budget binds at every moment, not only in the end. */
function withinBudget(run: WayRun, summary: Summary): Target {
  const { extra, allowed } = extraAttempts(summary)
  return {
    text: `extra attempts, ${run.way === 'chain' ? 'without' : 'with'} fallback, at every moment at most ${budget.ratio} x calls + ${budget.initial}`,
    reached: `${extra} of ${allowed} in the end`,
    holds: extra <= allowed && run.highestExtra <= budget.initial + 1e-6,
  }
}

function atLeast(text: string, reached: number, least: number): Target {
  const percent = (value: number, digits: number): string => `${(value * 100).toFixed(digits)} %`
  return {
    text: `${text} (at least ${percent(least, least === 0.999 ? 1 : 0)})`,
    reached: percent(reached, 3),
    holds: reached >= least,
  }
}

function atMost(text: string, reached: number, most: number): Target {
  return { text: `${text} (at most ${most})`, reached: String(reached), holds: reached <= most }
}

function of(summaries: readonly Summary[], way: WayName): Summary {
  return summaries.find((summary) => summary.way === way) as Summary
}
