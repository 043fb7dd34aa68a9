import { type Clock, systemClock } from '@spillway/middleware'
import { withDefaults } from '@spillway/middleware/kit'
import { periodAt, type Span } from './period.ts'
import type { BudgetPeriod } from './rule.ts'
import type { BudgetStore, Meter, MeterDemand, MeterState, Taken } from './store.ts'

export interface MemoryBudgetStoreOptions {
  /**
   * How long a reservation is kept that is not settled, in milliseconds; longer than any call takes.
   * @default 3600000
   */
  readonly ttl?: number
  readonly clock?: Clock
}

/** The defaults of {@link MemoryBudgetStoreOptions}. */
export const memoryBudgetStoreDefaults: Required<Omit<MemoryBudgetStoreOptions, 'clock'>> = { ttl: 3_600_000 }

interface Period {
  /** The same object for all meters of its length. */
  readonly span: Span
  /** Whether it has been told what was used before. */
  isOpened: boolean
  used: number
  reserved: number
}

interface Held {
  readonly periods: readonly Period[]
  readonly amounts: number[]
  readonly until: number
  /** Whether it has been charged as it was reserved. */
  hasLapsed: boolean
}

/** Reservations that expired unsettled and were charged, and may still be corrected. */
const mostLapsed = 10_000

/** Meters below which those that are over or unused are not looked for. */
const fewMeters = 1_000

/**
 * Budgets of this process alone.
 * @throws RangeError for options out of range
 */
export function memoryBudgetStore(options: MemoryBudgetStoreOptions = {}): BudgetStore {
  const { ttl, clock } = withDefaults({ ...memoryBudgetStoreDefaults, clock: systemClock as Clock }, options)
  if (!(ttl >= 1)) throw new RangeError(`memoryBudgetStore.ttl must be 1 or more, but is ${ttl}`)
  const periods = new Map<string, Period>()
  const spans = new Map<BudgetPeriod, Span>()
  /** Both in the order in which they end. */
  const held = new Map<string, Held>()
  const lapsed = new Map<string, Held>()
  let pruneAt = fewMeters

  /** Where the clock has been set back, the latest period goes on: nothing is allowed twice. */
  const periodOf = ({ name, period }: Meter): Period => {
    const now = clock.epoch()
    const known = periods.get(name)
    if (known !== undefined && now < known.span.end) return known
    const begun: Period = { span: spanOf(period, now), isOpened: false, used: 0, reserved: 0 }
    periods.set(name, begun)
    if (periods.size > pruneAt) prune(now)
    return begun
  }

  const spanOf = (period: BudgetPeriod, now: number): Span => {
    const latest = spans.get(period)
    if (latest !== undefined && latest.start <= now && now < latest.end) return latest
    const span = periodAt(period, now)
    spans.set(period, span)
    return span
  }

  /** What has used nothing is as if it had never been asked for: callers that are refused upstream leave nothing. */
  const prune = (now: number): void => {
    for (const [name, { span, used, reserved }] of periods)
      if (span.end <= now || (used === 0 && reserved === 0)) periods.delete(name)
    pruneAt = Math.max(fewMeters, 2 * periods.size)
  }

  const endReservations = (): void => {
    const now = clock.now()
    for (const [id, reservation] of held) {
      if (reservation.until > now) return
      held.delete(id)
      give(reservation, reservation.amounts)
      reservation.hasLapsed = true
      lapsed.set(id, reservation)
      const [oldest] = lapsed.keys()
      if (lapsed.size > mostLapsed && oldest !== undefined) lapsed.delete(oldest)
    }
  }

  return {
    reserve(id, demands): Taken {
      endReservations()
      const found = demands.map(periodOf)
      const refused = demands.findIndex((demand, index) => !fits(demand, found[index] as Period))
      if (refused >= 0) return { states: found.map(stateOf), refusedBy: refused }
      const amounts = demands.map(({ most }, index) => {
        ;(found[index] as Period).reserved += most
        return most
      })
      held.set(id, { periods: found, amounts, until: clock.now() + ttl, hasLapsed: false })
      return { states: found.map(stateOf), refusedBy: undefined }
    },
    extend(id, amounts) {
      const reservation = held.get(id)
      reservation?.periods.forEach((period, index) => {
        const more = amounts[index] ?? 0
        period.reserved += more
        reservation.amounts[index] = (reservation.amounts[index] ?? 0) + more
      })
    },
    settle(id, amounts) {
      endReservations()
      const reservation = held.get(id) ?? lapsed.get(id)
      if (reservation === undefined) return []
      held.delete(id)
      lapsed.delete(id)
      give(reservation, amounts)
      return reservation.periods.map(stateOf)
    },
    read(meters) {
      endReservations()
      return meters.map((meter) => stateOf(periodOf(meter)))
    },
    open(openings) {
      for (const opening of openings) {
        const period = periodOf(opening)
        if (period.isOpened) continue
        period.isOpened = true
        period.used += opening.amount
      }
    },
    charge: (charges) =>
      charges.map((charge) => {
        const period = periodOf(charge)
        period.used += charge.amount
        return stateOf(period)
      }),
  }
}

function fits({ limit, expected }: MeterDemand, { used, reserved }: Period): boolean {
  return limit === undefined || used + reserved + expected <= limit
}

/** Charges amounts in the place of what is reserved, or of what was charged at expiry. */
function give({ periods, amounts: reserved, hasLapsed }: Held, amounts: readonly number[]): void {
  periods.forEach((period, index) => {
    const before = reserved[index] ?? 0
    period.used += (amounts[index] ?? 0) - (hasLapsed ? before : 0)
    if (!hasLapsed) period.reserved -= before
  })
}

const stateOf = ({ used, reserved, span }: Period): MeterState => ({
  used,
  reserved,
  startsAt: span.start,
  resetsAt: span.end,
})
