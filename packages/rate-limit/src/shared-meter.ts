import { type Cost, type Limits, type WindowName, windows } from './limits.ts'
import { SlidingWindow, slots } from './sliding-window.ts'

/**
 * How many slots before the newest one count: of a minute, half a second more than it has. The vendor counts a call when it arrives, and on its way from Redis over
 * a busy process and a new connection one call takes longer than the next; without this, vendors would see up to 104 % of a limit in some minute.
 */
const countedSlots = slots + 5

/** One limit that several processes share, as this process knows it. Times are Redis's. */
export interface SharedMeter {
  readonly name: WindowName
  readonly ms: number
  readonly configured: number
  /** The configured limit, or the vendor's where that is lower. */
  limit: number
  /** What all processes have spent, by Redis's last word. */
  readonly known: SlidingWindow
  /** What this process has spent: Redis is told all of it again if it has lost its data. */
  readonly own: SlidingWindow
  /** What this process has spent by itself, since Redis went away; undefined while Redis decides. */
  away: Away | undefined
}

export interface Away {
  readonly spent: SlidingWindow
  /** The part of it that Redis has not been told of. */
  readonly unreported: SlidingWindow
}

const newWindow = (ms: number): SlidingWindow => new SlidingWindow(ms, countedSlots)

/** What a meter has spent without Redis; begins to count that where it has not yet. */
export function awayOf(meter: SharedMeter): Away {
  meter.away ??= { spent: newWindow(meter.ms), unreported: newWindow(meter.ms) }
  return meter.away
}

export function sharedMeters(limits: Limits): SharedMeter[] {
  return (Object.keys(windows) as WindowName[]).flatMap((name) => {
    const limit = limits[name]
    if (limit === undefined) return []
    const { ms } = windows[name]
    const [known, own] = [newWindow(ms), newWindow(ms)]
    return [{ name, ms, configured: limit, limit, known, own, away: undefined }]
  })
}

/** What a call takes from a meter, in whole numbers. */
export function amountOf(meter: SharedMeter, cost: Cost): number {
  return Math.ceil(windows[meter.name].of(cost))
}

/** What a call takes at least, in whole numbers: nothing but its request where nothing is predicted. */
export function leastOf(
  meter: SharedMeter,
  { predicted = { inputTokens: 0, outputTokens: 0 } }: Cost,
): number {
  return Math.ceil(windows[meter.name].of(predicted))
}

/**
 * What a call takes when one of `processes` decides alone: no more than its whole share, so that a large one waits for
 * that instead of for ever.
 */
export function amountAlone(meter: SharedMeter, cost: Cost, processes: number): number {
  return Math.min(Math.max(1, Math.floor(meter.limit / processes)), amountOf(meter, cost))
}

/**
 * Whether one of `processes` may spend so much without asking: its share of what was left by Redis's last word, and of
 * what has become free since. All together then stay within the limit, or within one call each where that is less.
 */
export function fitsAlone(meter: SharedMeter, amount: number, processes: number, at: number): boolean {
  const spent = meter.away?.spent.spent(at) ?? 0
  if (spent === 0 && amount <= 1) return meter.limit > meter.known.spent(at)
  return spent + amount <= (meter.limit - meter.known.spent(at)) / processes
}

/** Milliseconds until {@link fitsAlone} may hold; an estimate on the short side. */
export function waitAlone(meter: SharedMeter, amount: number, processes: number, at: number): number {
  if (fitsAlone(meter, amount, processes, at)) return 0
  const { known, away, limit } = meter
  const spent = away?.spent.spent(at) ?? 0
  const othersGo = known.timeUntil(Math.max(0, limit - processes * (spent + amount)), at)
  const ownGo = away?.spent.timeUntil(Math.max(0, (limit - known.spent(at)) / processes - amount), at)
  return Math.max(1, Math.min(othersGo || Infinity, ownGo || Infinity, meter.ms))
}
