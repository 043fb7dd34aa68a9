import type { BooksLine } from '../books.ts'
import { quantileOf } from '../slope.ts'
import { bucketMs, type ModelRecord } from './record.ts'
import type { DayResult } from './run.ts'

/**
 * The least share of what the perfect scheduler lets through, the most calls that the vendor's limits may refuse, and the
 * most that a minute may have of our own limits: what a call takes is estimated when it comes, and of output nothing is
 * known then.
 */
export const bounds = { share: 0.98, limited: 0.005, own: 1.02, ownOutput: 1.05 } as const

const hour = 3_600_000
/** An hour counts as busy when the perfect scheduler uses so much of our own limit in it. */
const busyFrom = 0.85

/** Everything that is to hold of a day, by the limiter and by the perfect scheduler. */
export function judgeDay(limiter: DayResult, perfect: DayResult): BooksLine[] {
  const sum = (day: DayResult, read: (record: ModelRecord) => number): number =>
    [...day.records.values()].reduce((total, record) => total + read(record), 0)
  const share = (read: (record: ModelRecord) => number): number =>
    sum(limiter, read) / Math.max(1, sum(perfect, read))
  const calls = share(({ answered }) => answered)
  const tokens = share(({ inputTokens }) => inputTokens)
  const busy = busyShare(limiter, perfect)
  const limited =
    sum(limiter, (record) => record.limited) /
    Math.max(
      1,
      sum(limiter, ({ attempts }) => attempts),
    )
  const wrong = sum(limiter, ({ wronglyRefused }) => wronglyRefused)
  const countsRefused = sum(limiter, (record) => record.countsRefused + record.countsLimited)
  return [
    line(
      'calls answered, of those that the perfect scheduler answers',
      `${percent(calls)} (at least ${percent(bounds.share)})`,
      calls >= bounds.share,
    ),
    line(
      'input let through, of what the perfect scheduler lets through',
      `${percent(tokens)} (at least ${percent(bounds.share)})`,
      tokens >= bounds.share,
    ),
    line(
      `the same in the ${busy.hours} hours of a pool in which the limits bind`,
      busy.hours === 0 ? 'there were none' : `${percent(busy.share)} (at least ${percent(bounds.share)})`,
      busy.hours === 0 || busy.share >= bounds.share,
    ),
    line(
      `calls that the vendor's limits refuse`,
      `${percent(limited, 3)}, ${sum(limiter, (record) => record.limited)} (fewer than ${percent(bounds.limited)})`,
      limited < bounds.limited,
    ),
    line(
      'calls refused while the vendor, and our own limits, had capacity for them',
      `${wrong} of ${sum(limiter, ({ refused }) => refused)} refusals`,
      wrong === 0,
    ),
    line('counts of tokens refused', String(countsRefused), countsRefused === 0),
    ...ownLines(limiter),
  ]
}

/** The most that any minute had of each of our own limits. */
function ownLines({ records, limits }: DayResult): BooksLine[] {
  const most = (name: keyof ModelRecord['own'], limit: number): BooksLine => {
    const used = Math.max(...[...records.values()].map(({ own }) => own[name].most)) / limit
    const bound = name === 'output' ? bounds.ownOutput : bounds.own
    const seen = `${percent(used, 1)} (at most ${percent(bound, 0)})`
    return line(`most of our own limit of ${name} in any minute`, seen, used <= bound)
  }
  return [
    most('requests', limits.requestsPerMinute ?? Infinity),
    most('input', limits.inputTokensPerMinute ?? Infinity),
    most('output', limits.outputTokensPerMinute ?? Infinity),
  ]
}

/** Input in the hours in which the perfect scheduler comes close to our own limit, pool by pool. */
function busyShare(limiter: DayResult, perfect: DayResult): { hours: number; share: number } {
  const perHour = hour / bucketMs
  const most = (perfect.limits.inputTokensPerMinute ?? Infinity) * 60
  let hours = 0
  let ours = 0
  let best = 0
  for (const [model, { series }] of perfect.records) {
    const own = limiter.records.get(model)?.series ?? []
    for (let from = 0; from < series.length; from += perHour) {
      const ofHour = (values: readonly (number | undefined)[]): number =>
        values.slice(from, from + perHour).reduce<number>((total, value) => total + (value ?? 0), 0)
      const ideal = ofHour(series)
      if (ideal < busyFrom * most) continue
      hours++
      best += ideal
      ours += ofHour(own)
    }
  }
  return { hours, share: ours / Math.max(1, best) }
}

/** What a scheduler came to, pool by pool. */
export function tableOf({ scheduler, records, limits }: DayResult): string[][] {
  return [...records].map(([model, record]) => {
    const wait = (quantile: number): string =>
      record.waits.length === 0 ? '-' : `${(quantileOf(record.waits, quantile) / 1_000).toFixed(1)} s`
    return [
      scheduler,
      model,
      String(record.answered),
      `${(record.inputTokens / 1e6).toFixed(1)} M`,
      percent(record.own.input.most / (limits.inputTokensPerMinute ?? Infinity), 1),
      wait(0.5),
      wait(0.99),
      String(record.limited),
      String(record.faults),
      String(record.refused),
      String(record.wronglyRefused),
    ]
  })
}

export const columns: readonly string[] = [
  'scheduler',
  'model',
  'calls answered',
  'input counted',
  'busiest minute',
  'p50 wait',
  'p99 wait',
  '429 by limits',
  'faults',
  'refused',
  'of these wrongly',
]

const line = (what: string, seen: string, holds: boolean): BooksLine => ({ what, seen, holds })
const percent = (share: number, digits = 2): string => `${(share * 100).toFixed(digits)} %`
