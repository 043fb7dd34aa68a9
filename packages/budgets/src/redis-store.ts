import { type Clock, systemClock } from '@spillway/middleware'
import { RecentMap, withDefaults } from '@spillway/middleware/kit'
import type { RedisClient } from './redis-link.ts'
import { sharedMeters } from './redis-meters.ts'
import { fitsShare, knownState, type SharedMeter } from './shared-meter.ts'
import type { BudgetStore, MeterState, Taken } from './store.ts'

export interface RedisBudgetStoreOptions {
  /** What all keys begin with. @default 'spillway:budget:' */
  readonly prefix?: string
  /**
   * How long a reservation is kept that is not settled, in milliseconds; longer than any call takes.
   * @default 3600000
   */
  readonly ttl?: number
  /**
   * How long an operation waits for Redis before this process goes on by itself, in milliseconds.
   * @default 250
   */
  readonly timeout?: number
  /**
   * How many processes share the budgets at least: what a process that has never reached Redis divides them by.
   * @default 1
   */
  readonly processes?: number
  /**
   * Whose time periods and reservations are measured in: that of Redis, which is the same for all, or that of `clock`, for tests.
   * @default 'redis'
   */
  readonly time?: 'redis' | 'clock'
  readonly clock?: Clock
}

/** The defaults of {@link RedisBudgetStoreOptions}. */
export const redisBudgetStoreDefaults: Required<Omit<RedisBudgetStoreOptions, 'clock'>> = {
  prefix: 'spillway:budget:',
  ttl: 3_600_000,
  timeout: 250,
  processes: 1,
  time: 'redis',
}

/** Budgets in Redis, and how they fare. */
export interface RedisBudgetStore extends BudgetStore {
  /** `shared` while Redis answers, `local` while this process keeps to its share by itself. */
  readonly status: 'shared' | 'local'
  /** Resolves when Redis knows all that this process does, or does not answer. Before the connection is closed. */
  flush(): Promise<void>
  /** Calls back when that changes; returns how to stop it. */
  onStatus(listener: (status: 'shared' | 'local') => void): () => void
}

/** A reservation of this process. */
interface Held {
  readonly meters: readonly SharedMeter[]
  readonly amounts: number[]
  /** That of Redis, where it knows of the reservation. */
  readonly epoch: string | undefined
  /** When it expires unsettled and Redis charges it: in `clock.now()` time. */
  readonly until: number
}

/** Reservations that Redis has charged, and that may still be put right. */
const mostLate = 10_000

/**
 * Budgets that all processes with the same Redis and prefix share. Each operation is one round trip, on one node of a cluster. While Redis is
 * away, or slower than `timeout`, each process admits its share of what is left, and reports what was used when Redis is back; so no call
 * fails because of Redis.
 * @throws RangeError for options out of range
 */
export function redisBudgetStore(
  redis: RedisClient,
  options: RedisBudgetStoreOptions = {},
): RedisBudgetStore {
  const settings = withDefaults({ ...redisBudgetStoreDefaults, clock: systemClock as Clock }, options)
  for (const name of ['ttl', 'timeout', 'processes'] as const)
    if (!(settings[name] >= 1))
      throw new RangeError(`redisBudgetStore.${name} must be 1 or more, but is ${settings[name]}`)
  const { ttl, clock } = settings
  const shared = sharedMeters(redis, settings)
  const { link } = shared
  const held = new Map<string, Held>()
  /** Those that Redis has charged at their expiry, and that may still be corrected. */
  const late = new RecentMap<Held>(mostLate)

  /** An abandoned call has reserved nothing, whether Redis has received it or not. */
  const cancelLater = (id: string, on: readonly SharedMeter[]): void => {
    shared.settleLater(id, { meters: on, epoch: shared.epoch, actual: on.map(() => 0) })
    if (link.isUp) void shared.flush()
  }

  /** Reservations that stay unsettled: Redis charges those that it knows at their expiry. */
  const endReservations = (): void => {
    const now = clock.now()
    for (const [id, reservation] of held) {
      if (reservation.until > now) return
      held.delete(id)
      if (reservation.epoch !== undefined) {
        late.set(id, reservation)
        continue
      }
      const { meters: on, amounts } = reservation
      for (const [index, meter] of on.entries()) meter.heldHere -= amounts[index] ?? 0
      shared.owe(on, amounts)
    }
  }

  const statesOf = (on: readonly SharedMeter[]): readonly MeterState[] => on.map(knownState)

  const reserveHere = (
    id: string,
    on: readonly SharedMeter[],
    demands: Parameters<BudgetStore['reserve']>[1],
  ): Taken => {
    const refused = demands.findIndex(
      (demand, index) => !fitsShare(on[index] as SharedMeter, demand, shared.processes),
    )
    if (refused < 0) {
      const amounts = demands.map(({ most }) => most)
      for (const [index, meter] of on.entries()) meter.heldHere += amounts[index] ?? 0
      held.set(id, { meters: on, amounts, epoch: undefined, until: clock.now() + ttl })
    }
    return { states: statesOf(on), refusedBy: refused < 0 ? undefined : refused }
  }

  return {
    async reserve(id, demands) {
      endReservations()
      const on = demands.map(shared.meterFor)
      if (!link.isWorthTrying()) return reserveHere(id, on, demands)
      try {
        const what = (index: number): object => {
          const { limit, expected, most } = demands[index] as (typeof demands)[number]
          return { limit, expected, most }
        }
        const reply = await shared.run(on, what, { id, onLate: () => cancelLater(id, on) })
        if (reply.refused === undefined)
          held.set(id, {
            ...{ meters: on, amounts: demands.map(({ most }) => most), epoch: reply.epoch },
            until: clock.now() + ttl,
          })
        return { states: statesOf(on), refusedBy: reply.refused }
      } catch {
        cancelLater(id, on)
        return reserveHere(id, on, demands)
      }
    },
    extend(id, amounts) {
      const reservation = held.get(id)
      if (reservation === undefined) return
      amounts.forEach((more, index) => {
        reservation.amounts[index] = (reservation.amounts[index] ?? 0) + more
        const meter = reservation.meters[index]
        if (reservation.epoch === undefined && meter !== undefined) meter.heldHere += more
      })
      if (reservation.epoch === undefined || !link.isUp) return
      shared.run(reservation.meters, (index) => ({ more: amounts[index] }), { id }).catch(() => {})
    },
    async settle(id, amounts) {
      const reservation = held.get(id) ?? late.get(id)
      if (reservation === undefined) return []
      held.delete(id)
      late.delete(id)
      const { meters: on } = reservation
      if (reservation.epoch === undefined) {
        on.forEach((meter, index) => {
          meter.heldHere -= reservation.amounts[index] ?? 0
        })
        shared.owe(on, amounts)
      } else if (link.isUp) {
        const settlement = { meters: on, epoch: reservation.epoch, actual: amounts }
        await shared.settle(id, settlement).catch(() => {})
      } else shared.settleLater(id, { meters: on, epoch: reservation.epoch, actual: amounts })
      if (link.isUp && shared.isBehind) await shared.flush()
      return statesOf(on)
    },
    async read(all) {
      const on = all.map(shared.meterFor)
      if (link.isWorthTrying()) await shared.refresh(on).catch(() => {})
      return statesOf(on)
    },
    async charge(charges) {
      const on = charges.map(shared.meterFor)
      shared.owe(
        on,
        charges.map(({ amount }) => amount),
      )
      if (link.isUp) await shared.flush()
      return statesOf(on)
    },
    async open(openings) {
      const on = openings.map(shared.meterFor)
      on.forEach((meter, index) => {
        meter.opening ??= openings[index]?.amount
      })
      shared.mark(on)
      if (link.isUp) await shared.flush()
    },
    async flush() {
      await shared.flush()
      await shared.idle()
    },
    get status() {
      return link.isUp ? 'shared' : 'local'
    },
    onStatus: (listener) => link.onChange((isUp) => listener(isUp ? 'shared' : 'local')),
  }
}
