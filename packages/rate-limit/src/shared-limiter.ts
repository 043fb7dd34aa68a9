import type { CancelTimer } from '@spillway/middleware'
import type { VendorLimit } from '@spillway/wire'
import type { Admission, Headroom, Lease } from './admission.ts'
import type { LimitLink, Reply } from './limit-link.ts'
import { type Cost, checkLimits, type Limits, type WindowName } from './limits.ts'
import type { RedisLimitStoreOptions } from './redis-limit-store.ts'
import {
  amountAlone,
  amountOf,
  awayOf,
  fitsAlone,
  type SharedMeter,
  sharedMeters,
  waitAlone,
} from './shared-meter.ts'

/** A call under way. */
interface Held {
  readonly id: string
  /** When it was admitted, in Redis's time. */
  readonly at: number
  /** What it has taken, for each window. */
  readonly amounts: readonly number[]
  isReported: boolean
}

/** A call that is over: what its admission has to be corrected by, for each window. */
interface Settled {
  readonly lease: string
  readonly at: number
  readonly changes: readonly number[]
}

/** How often a process asks again while others hold all places, in milliseconds; each time a bit different. */
const pollEvery = 50

/** How long a process counts after it was last heard of, in milliseconds: one that waits for a window says nothing. */
const heardOf = 120_000

/** Settlements that are kept for Redis at most while it is away. */
const mostSettled = 10_000

/**
 * The limits of one key over all processes. While Redis answers, it decides. While it does not, this process admits its
 * share (one in as many as there are processes) of what was left by Redis's last word, and of what becomes free; it
 * reports that when Redis is back.
 */
export class SharedLimiter implements Admission {
  readonly #link: LimitLink
  readonly #settings: Required<RedisLimitStoreOptions>
  readonly #member: string
  readonly #keys: readonly string[]
  readonly #meters: readonly SharedMeter[]
  readonly #concurrency: number
  readonly #held = new Map<string, Held>()
  readonly #onRelease = new Set<() => void>()
  readonly #stopListening: () => void
  #settled: Settled[] = []
  /** Whether calls were admitted that Redis has not been told of. */
  #wasAlone = false
  #reporting: Promise<void> | undefined
  #recovering: Promise<void> | undefined
  #epoch: string | undefined
  #processes: number
  /** How many calls of this process may be under way while Redis is away. */
  #places = Infinity
  /** Redis's time less this clock's. */
  #offset: number
  #closedUntil = -Infinity
  /** When there will be room for the call that was last told to wait. */
  #roomAt = -Infinity
  #aloneUntil = -Infinity
  #cancelHeartbeat: CancelTimer | undefined
  #sequence = 0

  constructor(
    key: string,
    limits: Limits,
    link: LimitLink,
    member: string,
    settings: Required<RedisLimitStoreOptions>,
  ) {
    checkLimits(limits)
    this.#link = link
    this.#settings = settings
    this.#member = member
    this.#concurrency = limits.concurrency ?? Infinity
    this.#processes = settings.processes
    this.#offset = settings.clock.epoch() - settings.clock.now()
    this.#meters = sharedMeters(limits)
    const tag = `${settings.prefix}{${key}}:`
    this.#keys = ['facts', 'leases', 'members', ...this.#meters.map(({ name }) => name)].map(
      (part) => tag + part,
    )
    this.#stopListening = link.onChange((isUp) => {
      if (isUp) this.#reportNews()
    })
  }

  get inFlight(): number {
    return this.#held.size
  }

  tryAcquire(cost: Cost, now: number): Lease | undefined | Promise<Lease | undefined> {
    if (this.#link.isUp) return this.#acquire(cost)
    if (this.#link.isProbeDue()) this.#report().catch(() => {})
    return this.#acquireAlone(cost, now)
  }

  async #acquire(cost: Cost): Promise<Lease | undefined> {
    const { clock } = this.#settings
    try {
      const isRecovering = (): boolean => clock.now() < this.#aloneUntil
      if (this.#wasAlone && !isRecovering()) await this.#report()
      if (isRecovering()) return this.#acquireAlone(cost, clock.now())
      const id = this.#nextId()
      const amounts = this.#meters.map((meter) => amountOf(meter, cost))
      let reply = await this.#run('acquire', { lease: id, amounts }, (late) => this.#giveBack(id, late))
      if (reply.status === 'lost') {
        await this.#recover(reply.epoch)
        if (isRecovering()) return this.#acquireAlone(cost, clock.now())
        reply = await this.#run('acquire', { lease: id, amounts }, (late) => this.#giveBack(id, late))
      }
      this.#rejoin()
      if (reply.status === 'ok') {
        return this.#admit({ id, at: reply.now, amounts: reply.amounts, isReported: true })
      }
      const poll = pollEvery * (0.5 + clock.random())
      this.#roomAt = clock.now() + (reply.status === 'wait' ? reply.wait : poll)
      return undefined
    } catch {
      return this.#acquireAlone(cost, clock.now())
    }
  }

  /** Redis has admitted a call that did not wait for it any longer. */
  #giveBack(lease: string, { status, now, amounts }: Reply): void {
    if (status !== 'ok') return
    this.#settled.push({ lease, at: now, changes: amounts.map((amount) => -amount) })
    this.#reportNews()
  }

  #acquireAlone(cost: Cost, now: number): Lease | undefined {
    const at = now + this.#offset
    if (at < this.#closedUntil) return undefined
    if (this.#held.size >= Math.min(this.#places, this.#concurrency)) return undefined
    const amounts = this.#meters.map((meter) => amountAlone(meter, cost, this.#processes))
    const fits = this.#meters.every((meter, index) =>
      fitsAlone(meter, amounts[index] as number, this.#processes, at),
    )
    if (!fits) return undefined
    this.#wasAlone = true
    this.#meters.forEach((meter, index) => {
      const { spent, unreported } = awayOf(meter)
      spent.spend(amounts[index] as number, at)
      unreported.spend(amounts[index] as number, at)
    })
    return this.#admit({ id: this.#nextId(), at, amounts, isReported: false })
  }

  #nextId(): string {
    return `${this.#member}:${++this.#sequence}`
  }

  #admit(held: Held): Lease {
    this.#held.set(held.id, held)
    this.#meters.forEach(({ own }, index) => {
      own.correct(own.slotAt(held.at), held.amounts[index] as number, held.at)
    })
    this.#keepAlive()
    return {
      settle: (actual) => {
        if (!this.#held.delete(held.id)) return
        if (this.#held.size === 0) this.#stopHeartbeat()
        this.#settle(held, actual)
        for (const released of this.#onRelease) released()
      },
    }
  }

  #settle(held: Held, actual: Cost | undefined): void {
    const at = this.#redisTime()
    const changes = this.#meters.map((meter, index) => {
      const real = actual === undefined ? 0 : amountOf(meter, actual)
      return real - (held.amounts[index] as number)
    })
    this.#meters.forEach((meter, index) => {
      const change = changes[index] as number
      const slot = meter.own.slotAt(held.at)
      meter.own.correct(slot, change, at)
      if (held.isReported) return
      const { spent, unreported } = awayOf(meter)
      spent.correct(slot, change, at)
      unreported.correct(slot, change, at)
    })
    if (!held.isReported) return
    this.#settled.push({ lease: held.id, at: held.at, changes })
    if (this.#settled.length > mostSettled) this.#settled.shift()
    if (this.#link.isUp) this.#reportNews()
  }

  #reportNews(): void {
    if (this.#settled.length > 0 || this.#wasAlone) this.#report().catch(() => {})
  }

  /**
   * Tells Redis what it does not know. One report at a time: what happens meanwhile goes with the next one.
   * @throws when Redis is away
   */
  async #report(): Promise<void> {
    if (this.#reporting !== undefined) {
      await this.#reporting
      if (this.#settled.length === 0 && !this.#wasAlone) return
    }
    this.#reporting ??= this.#reportOnce().finally(() => {
      this.#reporting = undefined
    })
    return this.#reporting
  }

  async #reportOnce(): Promise<void> {
    const settled = this.#settled
    const isNew = [...this.#held.values()].filter(({ isReported }) => !isReported)
    const spent = this.#unreported()
    this.#allTold()
    try {
      const reply = await this.#run('settle', { spent, held: isNew.map(({ id }) => id), settled })
      if (reply.status === 'lost') return await this.#recover(reply.epoch)
      this.#reported(spent)
    } catch (error) {
      for (const held of isNew) held.isReported = false
      this.#wasAlone ||= isNew.length > 0 || spent.some(({ length }) => length > 0)
      this.#settled = [...settled, ...this.#settled]
      throw error
    }
  }

  /** What Redis has not been told of, for each window. */
  #unreported(): [slot: number, amount: number][][] {
    const at = this.#redisTime()
    return this.#meters.map(({ away }) => away?.unreported.entries(at) ?? [])
  }

  /** From now on, whatever happens goes with the next report. */
  #allTold(): void {
    this.#wasAlone = false
    this.#settled = []
    for (const held of this.#held.values()) held.isReported = true
  }

  #reported(spent: readonly (readonly [slot: number, amount: number])[][]): void {
    const at = this.#redisTime()
    this.#meters.forEach(({ away }, index) => {
      for (const [slot, amount] of spent[index] ?? []) away?.unreported.correct(slot, -amount, at)
    })
  }

  /** Redis decides again and knows all. */
  #rejoin(): void {
    if (this.#wasAlone) return
    for (const meter of this.#meters) meter.away = undefined
  }

  /** Redis has lost its data: tells it all that this process has spent and holds. Once for each loss. */
  async #recover(epoch: string): Promise<void> {
    if (this.#epoch === epoch) return
    this.#recovering ??= this.#tellAll(epoch).finally(() => {
      this.#recovering = undefined
    })
    return this.#recovering
  }

  async #tellAll(epoch: string): Promise<void> {
    const { clock, recovery } = this.#settings
    const unreported = this.#unreported()
    const spent = this.#meters.map(({ own }) => own.entries(this.#redisTime()))
    const held = [...this.#held.keys()]
    if (held.length > 0 || spent.some(({ length }) => length > 0)) {
      this.#aloneUntil = clock.now() + recovery
    }
    this.#allTold()
    await this.#run('settle', { epoch, spent, held, settled: [] })
    this.#epoch = epoch
    this.#reported(unreported)
  }

  async #run(
    operation: string,
    args: { readonly amounts?: readonly number[]; readonly [name: string]: unknown },
    late?: (reply: Reply) => void,
  ): Promise<Reply> {
    const { clock, lease, time } = this.#settings
    const { amounts, ...rest } = args
    const facts = {
      epoch: this.#epoch,
      fresh: crypto.randomUUID(),
      now: time === 'clock' ? clock.epoch() : undefined,
      member: this.#member,
      memberMs: heardOf,
      leaseMs: lease,
      concurrency: this.#concurrency === Infinity ? undefined : this.#concurrency,
      windows: this.#meters.map(({ name, ms, configured: limit }, index) => ({
        ...{ name, ms, limit },
        amount: amounts?.[index] ?? 0,
      })),
      ...rest,
    }
    const reply = await this.#link.run(operation, this.#keys, facts, late)
    if (reply.status !== 'lost') this.#learnFromReply(reply)
    return reply
  }

  #learnFromReply({ epoch, now, members, inFlight, totals, limits }: Reply): void {
    const { clock, processes } = this.#settings
    this.#epoch ??= epoch
    this.#offset = now - clock.now()
    // While processes are still telling Redis what it has lost, it knows less than they do.
    if (clock.now() < this.#aloneUntil) return
    this.#processes = Math.max(processes, members)
    const free = Math.max(0, this.#concurrency - inFlight)
    this.#places = Math.max(1, this.#held.size + Math.floor(free / this.#processes))
    this.#meters.forEach((meter, index) => {
      meter.known.fit(totals[index] as number, now)
      meter.limit = limits[index] as number
    })
  }

  #redisTime(): number {
    return this.#settings.clock.now() + this.#offset
  }

  /** Renews the leases of this process for as long as it has any. */
  #keepAlive(): void {
    this.#cancelHeartbeat ??= this.#settings.clock.setTimer(this.#settings.lease / 3, () => {
      this.#cancelHeartbeat = undefined
      this.#keepAlive()
      this.#renew().catch(() => {})
    })
  }

  #stopHeartbeat(): void {
    this.#cancelHeartbeat?.()
    this.#cancelHeartbeat = undefined
  }

  async #renew(): Promise<void> {
    if (this.#wasAlone) await this.#report()
    const reply = await this.#run('renew', { held: [...this.#held.keys()] })
    if (reply.status === 'lost') await this.#recover(reply.epoch)
  }

  timeUntil(cost: Cost, now: number, before: readonly Cost[] = []): number {
    const at = now + this.#offset
    const isAlone = !this.#link.isUp || now < this.#aloneUntil
    const told = isAlone ? 0 : this.#roomAt - now
    let wait = Math.max(0, this.#closedUntil - at, told)
    for (const meter of this.#meters) {
      const ahead = before.reduce((sum, other) => sum + amountAlone(meter, other, 1), 0)
      const amount = amountAlone(meter, cost, this.#processes)
      const alone = isAlone ? waitAlone(meter, amount, this.#processes, at) : 0
      wait = Math.max(wait, Math.max(told, alone) + (ahead / meter.limit) * meter.ms)
    }
    return wait
  }

  onRelease(callback: () => void): () => void {
    this.#onRelease.add(callback)
    return () => this.#onRelease.delete(callback)
  }

  closeUntil(at: number): void {
    this.#closedUntil = Math.max(this.#closedUntil, at + this.#offset)
    const closeMs = Math.max(0, at - this.#settings.clock.now())
    this.#run('close', { closeMs }).catch(() => {})
  }

  learn(name: WindowName, vendor: Omit<VendorLimit, 'dimension'>, now: number): void {
    const meter = this.#meters.find((candidate) => candidate.name === name)
    if (meter === undefined) return
    const limit = Math.min(meter.configured, Math.max(1, vendor.limit ?? meter.configured))
    const elsewhere = (vendor.limit ?? meter.limit) - vendor.remaining - meter.known.spent(now + this.#offset)
    if (elsewhere <= 0 && limit === meter.limit) return
    this.#run('learn', { name, ...vendor }).catch(() => {})
  }

  headroom(now: number): Headroom {
    const at = now + this.#offset
    const meters = this.#meters.map(({ name, known, away, limit }) => [
      name,
      { used: known.spent(at) + (away?.spent.spent(at) ?? 0), limit },
    ])
    const concurrency = { used: this.#held.size, limit: this.#concurrency }
    return { ...Object.fromEntries(meters), ...(this.#concurrency === Infinity ? {} : { concurrency }) }
  }

  close(): void {
    this.#stopListening()
    this.#stopHeartbeat()
  }
}
