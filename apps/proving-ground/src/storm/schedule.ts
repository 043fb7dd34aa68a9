import { exponential, randomFor } from '../seeded-random.ts'

/** How attempts fail during an outage. */
export type OutageKind = 'overloaded' | 'refused'

/** A span of time in which no attempt succeeds; in milliseconds after the start. */
export interface Outage {
  readonly kind: OutageKind
  readonly from: number
  readonly to: number
}

/** One call as it will be made, whoever answers it. */
export interface ScheduledCall {
  /** Its number in the whole schedule, which decides its faults. */
  readonly index: number
  /** When it is made, in milliseconds after the start. */
  readonly at: number
  readonly stream: boolean
}

export interface Schedule {
  readonly seed: number
  readonly calls: readonly ScheduledCall[]
  readonly outages: readonly Outage[]
  readonly durationMs: number
}

/** Calls arrive on their own, so many a second on average. */
export const callsPerSecond = 10

/** The part of all calls that is made during each outage. */
export const outageShare = 0.0015

/** Where the outages begin, as parts of all calls. */
const outageStarts: readonly { readonly kind: OutageKind; readonly after: number }[] = [
  { kind: 'overloaded', after: 0.3 },
  { kind: 'refused', after: 0.7 },
]

/** Plans so many calls; half of them ask for a stream. */
export function planSchedule(count: number, seed: number): Schedule {
  const random = randomFor(seed)
  const calls: ScheduledCall[] = []
  let at = 0
  for (let index = 0; index < count; index++) {
    at += exponential(random, 1000 / callsPerSecond)
    calls.push({ index, at, stream: random() < 0.5 })
  }
  const arrival = (index: number): number => calls[Math.min(count - 1, index)]?.at ?? 0
  const outages = outageStarts.map(({ kind, after }) => {
    const first = Math.floor(count * after)
    return { kind, from: arrival(first), to: arrival(first + Math.round(count * outageShare)) }
  })
  return { seed, calls, outages, durationMs: at }
}

/** The same schedule with fewer calls, spread over the same time: every tenth, say. */
export function thinned(schedule: Schedule, count: number): Schedule {
  const { calls } = schedule
  const chosen = Array.from({ length: count }, (_, i) => calls[Math.floor((i * calls.length) / count)])
  return { ...schedule, calls: chosen.filter((call) => call !== undefined) }
}

/** The outage at a moment, in milliseconds after the start. */
export function outageAt({ outages }: Pick<Schedule, 'outages'>, ms: number): Outage | undefined {
  return outages.find(({ from, to }) => ms >= from && ms < to)
}
