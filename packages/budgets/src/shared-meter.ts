import type { Span } from './period.ts'
import type { MeterDemand, MeterState } from './store.ts'

/** What this process knows of a meter in one period, which it shares with others. */
export interface SharedMeter {
  readonly name: string
  readonly span: Span
  /** As Redis had it when it answered last. */
  used: number
  reserved: number
  /** What calls of this process hold that Redis does not know of. */
  heldHere: number
  /** What they have used, which it does not know of yet. */
  owed: number
  /** A part of that on its way to Redis, until it is there: it may be sent again, and counts once. */
  report: { readonly seq: number; readonly amount: number } | undefined
  /** What the books say that was used before Redis knew of the meter, until it is told; Redis takes what it is told first. */
  opening: number | undefined
  /** What was used before Redis lost its data, until it is told; Redis takes the most. */
  base: number | undefined
}

export function sharedMeter(name: string, span: Span): SharedMeter {
  return {
    ...{ name, span, used: 0, reserved: 0, heldHere: 0, owed: 0 },
    ...{ report: undefined, opening: undefined, base: undefined },
  }
}

/** What is used and reserved as far as this process knows. */
export function knownState(meter: SharedMeter): MeterState {
  const { owed, report, reserved, heldHere, span } = meter
  return {
    used: usedBefore(meter) + owed + (report?.amount ?? 0),
    reserved: reserved + heldHere,
    startsAt: span.start,
    resetsAt: span.end,
  }
}

/**
 * Whether a call fits into what a process may use by itself: its share of what was left when Redis answered last.
 * @param processes that share it
 */
export function fitsShare(meter: SharedMeter, { limit, expected }: MeterDemand, processes: number): boolean {
  if (limit === undefined) return true
  const { reserved, owed, report, heldHere } = meter
  const share = Math.floor((limit - usedBefore(meter) - reserved) / processes)
  return owed + (report?.amount ?? 0) + heldHere + expected <= share
}

const usedBefore = ({ used, opening = 0, base = 0 }: SharedMeter): number => Math.max(used, opening, base)

/** What has used nothing is as if it had never been asked for. */
export function isUnused(meter: SharedMeter): boolean {
  const { reserved, heldHere, owed, report, opening, base } = meter
  const isKnown = report === undefined && opening === undefined && base === undefined
  return isKnown && usedBefore(meter) + reserved + heldHere + owed === 0
}
