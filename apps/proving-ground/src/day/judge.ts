import type { BooksLine } from '../books.ts'
import { quantileOf } from '../slope.ts'
import { type GeneratedMinute, type OutputBooks, withinOf } from './output-books.ts'
import { bucketMs, type ModelRecord } from './record.ts'
import type { DayResult } from './run.ts'

/**
 * The least share of what the perfect scheduler lets through, the most calls that the vendor's limits may refuse, and the
 * most that a minute may have of our own limits: what a call takes is estimated when it comes. Of output nothing is known
 * then, but what is reserved for it is; of that, and of what follows from it, no minute may have any more than the limit.
 */
export const bounds = { share: 0.98, limited: 0.005, own: 1.02, ownOutput: 1 } as const

const hour = 3_600_000
/** An hour counts as busy when the perfect scheduler uses so much of our own limit in it. */
const busyFrom = 0.85

/** What a day came to by the limiter, beside the perfect scheduler. Shares are from 0 to 1, mostly. */
export interface DayFigures {
  /** Calls answered, and input let through, of those by the perfect scheduler. */
  readonly calls: number
  readonly input: number
  /** Input in the hours of a pool in which the limits bind. */
  readonly busy: { readonly hours: number; readonly share: number }
  /** Calls that the vendor's limits refused, of all that were let through. */
  readonly limited: { readonly calls: number; readonly share: number }
  readonly refused: number
  /** Those for which, and for all that waited before, the vendor and our own limits had capacity. */
  readonly wrong: number
  /** Further ones for which there was some, but which others had waited for. */
  readonly held: number
  readonly countsRefused: number
  /** The most that any minute had of our own limits; of output as it was generated, and by when its call was admitted. */
  readonly own: Readonly<Record<'requests' | 'input' | 'admittedOutput' | 'reservedOutput', number>>
  /** Shares of our own limit of output, by when it was generated: in the busiest minute, and in that of which least is explained. */
  readonly generated: { readonly busiest: GeneratedMinute; readonly leastExplained: GeneratedMinute }
}

export function figuresOf(limiter: DayResult, perfect: DayResult): DayFigures {
  const sum = (day: DayResult, read: (record: ModelRecord) => number): number =>
    [...day.records.values()].reduce((total, record) => total + read(record), 0)
  const share = (read: (record: ModelRecord) => number): number =>
    sum(limiter, read) / Math.max(1, sum(perfect, read))
  const limited = sum(limiter, (record) => record.limited)
  const attempts = sum(limiter, (record) => record.attempts)
  const wrong = sum(limiter, ({ wronglyRefused }) => wronglyRefused)
  const { requestsPerMinute = Infinity, inputTokensPerMinute = Infinity } = limiter.limits
  const { outputTokensPerMinute = Infinity } = limiter.limits
  const most = (limit: number, read: (record: ModelRecord) => { readonly most: number }): number =>
    Math.max(...[...limiter.records.values()].map((record) => read(record).most)) / limit
  const books = [...limiter.records.values()].map(({ outputBooks }) => outputBooks)
  const mostBooked = Math.max(...books.map((each) => each.mostBooked()))
  return {
    calls: share(({ answered }) => answered),
    input: share(({ inputTokens }) => inputTokens),
    busy: busyShare(limiter, perfect),
    limited: { calls: limited, share: limited / Math.max(1, attempts) },
    refused: sum(limiter, ({ refused }) => refused),
    wrong,
    held: sum(limiter, ({ refusedPassable }) => refusedPassable) - wrong,
    countsRefused: sum(limiter, (record) => record.countsRefused + record.countsLimited),
    own: {
      requests: most(requestsPerMinute, ({ own }) => own.requests),
      input: most(inputTokensPerMinute, ({ own }) => own.input),
      admittedOutput: most(outputTokensPerMinute, ({ asked }) => asked),
      // By the limiter's own word, and by books beside it.
      reservedOutput: Math.max(
        most(outputTokensPerMinute, ({ mostReserved }) => ({ most: mostReserved })),
        mostBooked / outputTokensPerMinute,
      ),
    },
    generated: generatedOf(books, outputTokensPerMinute),
  }
}

/** Over all models. */
function generatedOf(books: readonly OutputBooks[], limit: number): DayFigures['generated'] {
  const minutes = books.map((each) => each.minutes())
  const share = ({ generated, earlier, beyond }: GeneratedMinute): GeneratedMinute => {
    return { generated: generated / limit, earlier: earlier / limit, beyond: beyond / limit }
  }
  const most = (all: readonly GeneratedMinute[], of: (minute: GeneratedMinute) => number): GeneratedMinute =>
    share(all.reduce((best, each) => (of(each) > of(best) ? each : best)))
  return {
    busiest: most(
      minutes.map(({ busiest }) => busiest),
      ({ generated }) => generated,
    ),
    leastExplained: most(
      minutes.map(({ leastExplained }) => leastExplained),
      withinOf,
    ),
  }
}

/** Everything that is to hold of a day. */
export function judgeDay({ calls, input, busy, limited, own, ...figures }: DayFigures): BooksLine[] {
  const { refused, wrong, held, countsRefused, generated } = figures
  const { busiest, leastExplained } = generated
  const atLeast = (what: string, share: number): BooksLine =>
    line(what, `${percent(share)} (at least ${percent(bounds.share)})`, share >= bounds.share)
  const ofOwn = (name: string, most: number, bound: number, more = ''): BooksLine =>
    line(
      `most of our own limit of ${name} in any minute`,
      `${percent(most, 1)} (at most ${percent(bound, 0)})${more}`,
      most <= bound,
    )
  const binding = `the same in the ${busy.hours} hours of a pool in which the limits bind`
  return [
    atLeast('calls answered, of those that the perfect scheduler answers', calls),
    atLeast('input let through, of what the perfect scheduler lets through', input),
    busy.hours === 0 ? line(binding, 'there were none', true) : atLeast(binding, busy.share),
    line(
      `calls that the vendor's limits refuse`,
      `${percent(limited.share, 3)}, ${limited.calls} (fewer than ${percent(bounds.limited)})`,
      limited.share < bounds.limited,
    ),
    line(
      'calls refused while the vendor, and our own limits, had capacity for them',
      `${wrong} of ${refused} refusals; for ${held} more there was some that others had waited for`,
      wrong === 0,
    ),
    line('counts of tokens refused', String(countsRefused), countsRefused === 0),
    ofOwn('requests', own.requests, bounds.own),
    ofOwn('input', own.input, bounds.own),
    ofOwn('output, used or reserved when a call is let through,', own.reservedOutput, bounds.ownOutput),
    ofOwn(
      'output as it is generated, but for what no limiter knows,',
      withinOf(leastExplained),
      bounds.ownOutput,
      `; the busiest minute had ${percent(busiest.generated, 1)}, of which answers in flight beyond their reservation ${percent(busiest.beyond, 1)} and earlier calls ${percent(busiest.earlier, 1)}; by when calls were admitted the most was ${percent(own.admittedOutput, 1)}`,
    ),
  ]
}

/** One line of a table of days. */
export function seedRow(
  seed: number,
  { calls, input, busy, limited, refused, wrong, held, own, generated }: DayFigures,
): string[] {
  const shares = [percent(calls), percent(input), busy.hours === 0 ? '-' : percent(busy.share)]
  const refusals = [refused, wrong, held].map(String)
  const { leastExplained, busiest } = generated
  const output = [own.reservedOutput, withinOf(leastExplained), busiest.generated, own.admittedOutput]
  const most = [own.input, ...output].map((share) => percent(share, 1))
  return [String(seed), ...shares, percent(limited.share, 3), ...refusals, ...most]
}

export const seedColumns: readonly string[] = [
  'seed',
  'calls',
  'input',
  'where limits bind',
  '429 by limits',
  'refused',
  'of these wrongly',
  'of these held for others',
  'own input',
  'own output reserved',
  'as generated, but for what nobody knows',
  'all that was generated',
  'as admitted',
]

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
