import { type Clock, systemClock, withDefaults } from '@spillway/middleware'
import { periodAt } from './period.ts'
import { type RedisClient, type Reply, redisLink } from './redis-link.ts'
import { fitsShare, knownState, type SharedMeter, sharedMeter } from './shared-meter.ts'
import type { BudgetStore, Meter, MeterState, Taken } from './store.ts'

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
  /** Calls back when that changes; returns how to stop it. */
  onStatus(listener: (status: 'shared' | 'local') => void): () => void
}

/** A reservation of this process. */
interface Held {
  readonly meters: readonly SharedMeter[]
  readonly amounts: number[]
  /** That of Redis, where it knows of the reservation. */
  readonly epoch: string | undefined
}

/** A settlement that Redis has not heard of. */
interface Unsent extends Pick<Held, 'meters' | 'epoch'> {
  readonly actual: readonly number[]
}

/** How long a process counts as one that shares the budgets after it was heard of last, in milliseconds. */
const memberMs = 300_000
/** How long a meter is kept after its period, so that late settlements find it. */
const keptAfter = 3_600_000
const keepEpoch = 100 * 86_400_000
/** Settlements that wait for Redis; what is beyond is charged as it was reserved. */
const mostUnsent = 100_000
/** Meters in one operation that touches many. */
const atATime = 100
const fewMeters = 1_000

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
  const { prefix, ttl, timeout, time, clock } = settings
  const link = redisLink(redis, timeout, clock)
  const member = crypto.randomUUID()
  const meters = new Map<string, SharedMeter>()
  const held = new Map<string, Held>()
  const unsent = new Map<string, Unsent>()
  /** Meters of which Redis does not know all. */
  const dirty = new Set<SharedMeter>()
  let epoch: string | undefined
  let processes = settings.processes
  let seq = 0
  let pruneAt = fewMeters
  /** What Redis's time is ahead of `clock.now()`. */
  let offset: number | undefined

  const timeNow = (): number =>
    time === 'clock' || offset === undefined ? clock.epoch() : clock.now() + offset

  const meterFor = ({ name, period }: Meter): SharedMeter => {
    const now = timeNow()
    const known = meters.get(name)
    if (known !== undefined && now < known.span.end) return known
    const begun = sharedMeter(name, periodAt(period, now))
    meters.set(name, begun)
    if (meters.size > pruneAt) {
      for (const [each, { span }] of meters) if (span.end <= now) meters.delete(each)
      pruneAt = Math.max(fewMeters, 2 * meters.size)
    }
    return begun
  }

  /** Redis has lost its data: what this process has seen of it is told again. */
  const restore = (next: string): void => {
    if (epoch !== undefined)
      for (const meter of meters.values()) {
        meter.base = Math.max(meter.base ?? 0, meter.used)
        if (meter.base > 0) dirty.add(meter)
      }
    epoch = next
  }

  /** Runs the script on meters, with all that Redis does not know of them yet. @throws when Redis is away or slow */
  const run = async (
    on: readonly SharedMeter[],
    what: (index: number) => object,
    { id, late, known }: { readonly id?: string; readonly late?: () => void; readonly known?: string } = {},
  ): Promise<Extract<Reply, { status: 'ok' }>> => {
    const keys = [`${prefix}{all}:epoch`, `${prefix}{all}:members`].concat(
      ...on.map(({ name, span }) => [
        `${prefix}{all}:${span.start}:${name}`,
        `${prefix}{all}:${span.start}:${name}:held`,
      ]),
    )
    for (let attempt = 0; ; attempt++) {
      const told = on.map((meter) => {
        if (meter.report === undefined && meter.owed > 0) {
          meter.report = { seq: ++seq, amount: meter.owed }
          meter.owed = 0
        }
        return { report: meter.report, opening: meter.opening, base: meter.base }
      })
      const now = timeNow()
      const args = {
        ...{ member, memberMs, keepEpoch, ttl, id, epoch, fresh: crypto.randomUUID() },
        ...(time === 'clock' && { now: Math.round(now) }),
        meters: on.map(({ span }, index) => ({
          keep: Math.ceil(Math.max(0, span.end - now) + ttl + keptAfter),
          opening: told[index]?.opening,
          base: told[index]?.base,
          seq: told[index]?.report?.seq,
          owed: told[index]?.report?.amount,
          ...what(index),
        })),
      }
      const reply = await link.run(keys, args, (each) => void (each.status === 'ok' && late?.()))
      offset = reply.now - clock.now()
      if (reply.status === 'lost' || epoch === undefined) restore(reply.epoch)
      if (reply.status === 'lost') {
        if (attempt < 2 && known === undefined) continue
        throw new Error('Redis has lost its data')
      }
      processes = Math.max(settings.processes, reply.members)
      on.forEach((meter, index) => {
        const [used, reserved] = (reply.states[index] ?? []).map(Number) as [number, number]
        meter.used = used
        meter.reserved = reserved
        if (meter.report === told[index]?.report) meter.report = undefined
        if (meter.base === told[index]?.base) meter.base = undefined
        if (meter.opening === told[index]?.opening) meter.opening = undefined
        if (meter.owed === 0 && meter.base === undefined && meter.opening === undefined) dirty.delete(meter)
      })
      return reply
    }
  }

  const chunks = <T>(all: readonly T[]): T[][] =>
    Array.from({ length: Math.ceil(all.length / atATime) }, (_, index) =>
      all.slice(index * atATime, (index + 1) * atATime),
    )

  let flushing: Promise<void> | undefined
  /** Tells Redis what it has missed. Never rejects: what it does not hear is told when it is back. */
  const flush = (): Promise<void> => {
    flushing ??= (async () => {
      try {
        while (unsent.size + dirty.size > 0) {
          for (const [id, settlement] of unsent) {
            unsent.delete(id)
            await settleIn(id, settlement)
          }
          for (const some of chunks([...dirty])) await run(some, () => ({}))
        }
      } catch {
        // The link is down, and flushes when it is up again.
      } finally {
        flushing = undefined
      }
    })()
    return flushing
  }
  /** Settles a reservation that Redis knows of; one that it has forgotten is owed. @throws when Redis is away or slow */
  const settleIn = async (id: string, settlement: Unsent): Promise<void> => {
    const { meters: on, actual, epoch: known } = settlement
    const mayKnow = (): boolean => known === undefined || known === epoch
    try {
      if (mayKnow()) {
        await run(on, (index) => ({ amount: actual[index] }), { id, ...(known !== undefined && { known }) })
        return
      }
    } catch (error) {
      if (mayKnow()) {
        if (unsent.size < mostUnsent) unsent.set(id, settlement)
        throw error
      }
    }
    owe(on, actual)
  }
  const owe = (on: readonly SharedMeter[], amounts: readonly number[]): void =>
    on.forEach((meter, index) => {
      meter.owed += amounts[index] ?? 0
      dirty.add(meter)
    })
  /** What nobody waits for any more has reserved nothing, whether Redis has heard of it or not. */
  const cancelIn = (id: string, on: readonly SharedMeter[]): void => {
    if (unsent.size < mostUnsent) unsent.set(id, { meters: on, epoch, actual: on.map(() => 0) })
    if (link.isUp) void flush()
  }
  link.onChange((isUp) => isUp && void flush())

  const statesOf = (on: readonly SharedMeter[]): readonly MeterState[] => on.map(knownState)

  const reserveHere = (
    id: string,
    on: readonly SharedMeter[],
    demands: Parameters<BudgetStore['reserve']>[1],
  ): Taken => {
    const refused = demands.findIndex(
      (demand, index) => !fitsShare(on[index] as SharedMeter, demand, processes),
    )
    if (refused < 0) {
      const amounts = demands.map(({ most }) => most)
      for (const [index, meter] of on.entries()) meter.heldHere += amounts[index] ?? 0
      held.set(id, { meters: on, amounts, epoch: undefined })
    }
    return { states: statesOf(on), refusedBy: refused < 0 ? undefined : refused }
  }

  return {
    async reserve(id, demands) {
      const on = demands.map(meterFor)
      if (!link.isWorthTrying()) return reserveHere(id, on, demands)
      try {
        const what = (index: number): object => {
          const { limit, expected, most } = demands[index] as (typeof demands)[number]
          return { limit, expected, most }
        }
        const late = (): void => void cancelIn(id, on)
        const reply = await run(on, what, { id, late })
        if (reply.refused === undefined)
          held.set(id, { meters: on, amounts: demands.map(({ most }) => most), epoch: reply.epoch })
        return { states: statesOf(on), refusedBy: reply.refused }
      } catch {
        cancelIn(id, on)
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
      run(reservation.meters, (index) => ({ more: amounts[index] }), { id }).catch(() => {})
    },
    async settle(id, amounts) {
      const reservation = held.get(id)
      if (reservation === undefined) return []
      held.delete(id)
      const { meters: on } = reservation
      if (reservation.epoch === undefined) {
        on.forEach((meter, index) => {
          meter.heldHere -= reservation.amounts[index] ?? 0
        })
        owe(on, amounts)
      } else if (link.isUp) {
        const settlement = { meters: on, epoch: reservation.epoch, actual: amounts }
        await settleIn(id, settlement).catch(() => {})
      } else if (unsent.size < mostUnsent) {
        unsent.set(id, { meters: on, epoch: reservation.epoch, actual: amounts })
      }
      if (link.isUp && dirty.size > 0) await flush()
      return statesOf(on)
    },
    async read(all) {
      const on = all.map(meterFor)
      if (link.isWorthTrying()) for (const some of chunks(on)) await run(some, () => ({})).catch(() => {})
      return statesOf(on)
    },
    async charge(charges) {
      const on = charges.map(meterFor)
      owe(
        on,
        charges.map(({ amount }) => amount),
      )
      if (link.isUp) await flush()
      return statesOf(on)
    },
    async open(openings) {
      const on = openings.map(meterFor)
      on.forEach((meter, index) => {
        meter.opening ??= openings[index]?.amount
        dirty.add(meter)
      })
      if (link.isUp) await flush()
    },
    get status() {
      return link.isUp ? 'shared' : 'local'
    },
    onStatus: (listener) => link.onChange((isUp) => listener(isUp ? 'shared' : 'local')),
  }
}
