import type { Clock } from '@spillway/middleware'
import { periodAt } from './period.ts'
import { type RedisClient, type RedisLink, type Reply, redisLink } from './redis-link.ts'
import { isUnused, type SharedMeter, sharedMeter } from './shared-meter.ts'
import type { Meter } from './store.ts'

export interface SharedMetersSettings {
  readonly prefix: string
  readonly ttl: number
  readonly timeout: number
  readonly processes: number
  readonly time: 'redis' | 'clock'
  readonly clock: Clock
}

/** A settlement that Redis has not heard of. */
export interface Settlement {
  readonly meters: readonly SharedMeter[]
  /** That of Redis when it heard of the reservation; undefined where it may not have. */
  readonly epoch: string | undefined
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

/** What goes with a run of the script. */
interface Running {
  /** Of the reservation that it concerns. */
  readonly id?: string
  /** Called where Redis has done it after this has given up on it. */
  readonly onLate?: () => void
  /** The epoch that Redis must still have. */
  readonly known?: string
}

/** The meters that this process shares with others, and what Redis does not know of them yet. */
export interface SharedMeters {
  readonly link: RedisLink
  /** How many processes share them, as far as is known. */
  readonly processes: number
  readonly epoch: string | undefined
  /** Whether Redis has something to hear. */
  readonly isBehind: boolean
  /** A meter in its current period. */
  meterFor(meter: Meter): SharedMeter
  /** Runs the script on meters, with all that Redis does not know of them yet. @throws when Redis is unavailable or slow */
  run(
    on: readonly SharedMeter[],
    what: (index: number) => object,
    more?: Running,
  ): Promise<Extract<Reply, { status: 'ok' }>>
  /** The same for any number, of which nothing else is wanted. */
  refresh(on: readonly SharedMeter[]): Promise<void>
  /** Settles a reservation that Redis knows of; one that it has forgotten is owed. @throws when Redis is unavailable or slow */
  settle(id: string, settlement: Settlement): Promise<void>
  /** The same when Redis is back. */
  settleLater(id: string, settlement: Settlement): void
  /** What was used without a reservation in Redis. */
  owe(on: readonly SharedMeter[], amounts: readonly number[]): void
  /** Has Redis told of what is set in these meters. */
  mark(on: readonly SharedMeter[]): void
  /** Tells Redis what it has missed. Never rejects: what it does not hear is told when it is back. */
  flush(): Promise<void>
  /** Resolves when nothing is on its way any more. */
  idle(): Promise<void>
}

export function sharedMeters(redis: RedisClient, settings: SharedMetersSettings): SharedMeters {
  const { prefix, ttl, timeout, time, clock } = settings
  const link = redisLink(redis, timeout, clock)
  const member = crypto.randomUUID()
  const meters = new Map<string, SharedMeter>()
  const unsent = new Map<string, Settlement>()
  const running = new Set<Promise<unknown>>()
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
      for (const [each, meter] of meters) if (meter.span.end <= now || isUnused(meter)) meters.delete(each)
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

  /** Runs the script on meters, with all that Redis does not know of them yet. @throws when Redis is unavailable or slow */
  const run: SharedMeters['run'] = async (on, what, { id, onLate, known } = {}) => {
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
      const answer = link.run(keys, args, (each) => void (each.status === 'ok' && onLate?.()))
      running.add(answer)
      const reply = await answer.finally(() => running.delete(answer))
      offset = reply.now - clock.now()
      if (reply.status === 'lost' || epoch === undefined) restore(reply.epoch)
      if (reply.status === 'lost') {
        if (attempt < 2 && known === undefined) continue
        throw new Error('Redis has lost its data')
      }
      processes = Math.max(settings.processes, reply.members)
      on.forEach((meter, index) => {
        const [used, reserved, wasKnown] = (reply.states[index] ?? []).map(Number) as [number, number, number]
        // It was evicted, or ended too early.
        if (wasKnown === 0 && meter.used > 0 && meter.used > used) {
          meter.base = Math.max(meter.base ?? 0, meter.used)
          dirty.add(meter)
        }
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

  let flushing: Promise<void> | undefined
  /** Tells Redis what it has missed. Never rejects: what it does not hear is told when it is back. */
  const flush = (): Promise<void> => {
    flushing ??= (async () => {
      try {
        while (unsent.size + dirty.size > 0) {
          for (const [id, settlement] of unsent) {
            unsent.delete(id)
            await settle(id, settlement)
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
  /** Settles a reservation that Redis knows of; one that it has forgotten is owed. @throws when Redis is unavailable or slow */
  const settle = async (id: string, settlement: Settlement): Promise<void> => {
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
  link.onChange((isUp) => isUp && void flush())

  return {
    link,
    get processes() {
      return processes
    },
    get epoch() {
      return epoch
    },
    get isBehind() {
      return unsent.size + dirty.size > 0
    },
    ...{ meterFor, run, settle, owe, flush },
    async refresh(on) {
      for (const some of chunks(on)) await run(some, () => ({}))
    },
    settleLater(id, settlement) {
      if (unsent.size < mostUnsent) unsent.set(id, settlement)
    },
    mark(on) {
      for (const meter of on) dirty.add(meter)
    },
    async idle() {
      while (running.size > 0) await Promise.allSettled(running)
    },
  }
}

const chunks = <T>(all: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(all.length / atATime) }, (_, index) =>
    all.slice(index * atATime, (index + 1) * atATime),
  )
