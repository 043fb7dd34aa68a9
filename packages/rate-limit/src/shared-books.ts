import type { CancelTimer } from '@spillway/middleware/kit'
import type { LimitLink, Reply } from './limit-link.ts'
import type { Cost, LimitRules, Limits } from './limits.ts'
import type { RedisLimitStoreOptions } from './redis-limit-store.ts'
import { amountOf, awayOf, type SharedMeter, sharedMeters } from './shared-meter.ts'
import { expectedOutput, keptFor, type Passed, probeEvery } from './vendor-gate.ts'

/** A call in flight. */
export interface Held {
  readonly id: string
  /** When it was admitted, in Redis's time. */
  readonly at: number
  /** What it has taken, for each window. */
  readonly amounts: readonly number[]
  readonly cost: Cost
  /** What the vendor's word is compared by; undefined where Redis did not admit it. */
  readonly passed: Passed | undefined
  isReported: boolean
}

/** A call that is over: what its admission has to be corrected by, for each window, and what the vendor has counted. */
interface Settled {
  readonly lease: string
  readonly at: number
  readonly changes: readonly number[]
  readonly vendor?: {
    readonly order: number
    readonly reserved: Cost
    readonly expected: number
    readonly actual: Cost | undefined
  }
}

/** What all groups of a key have together in this process. */
export interface Seats {
  /** Calls in flight. */
  held: number
  /** How many may be in flight while Redis is unavailable. */
  places: number
}

/** What the limits of a key are made from. */
export interface SharedKey {
  readonly key: string
  readonly limits: Limits
  readonly link: LimitLink
  readonly member: string
  /** An id for a lease that no process has used, nor another limiter of the same key in this one. */
  readonly nextLease: () => string
  readonly settings: Required<RedisLimitStoreOptions>
  readonly rules: LimitRules
}

function vendorsPart({ order }: Passed, cost: Cost, actual: Cost | undefined): Settled['vendor'] {
  return {
    order,
    reserved: tokensOf(cost),
    expected: expectedOutput(cost),
    actual: actual && tokensOf(actual),
  }
}

/** An estimate knows more than the script asks. */
function tokensOf({ inputTokens, outputTokens }: Cost): Cost {
  return { inputTokens, outputTokens }
}

/** How long a process counts after it was last heard of, in milliseconds: one that waits for a window says nothing. */
const heardOf = 120_000

/** Settlements that are kept for Redis at most while it is unavailable. */
const mostSettled = 10_000

/**
 * What this process has spent and holds of the limits of one key and group, what Redis knows of that, and what Redis knows of all: the
 * books are brought in line whenever Redis answers.
 */
export class SharedBooks {
  readonly meters: readonly SharedMeter[]
  /** How many calls may be in flight over all processes. */
  readonly concurrency: number
  readonly held: Map<string, Held> = new Map()
  /** Whether calls were admitted that Redis has not been told of. */
  wasAlone = false
  /** How many processes share the limits, by Redis's last word. */
  processes: number
  readonly seats: Seats
  /** Until all processes have told Redis what it has lost, in this clock's time. */
  aloneUntil: number = -Infinity
  /** Redis's time less this clock's. */
  offset: number
  readonly #link: LimitLink
  readonly #settings: Required<RedisLimitStoreOptions>
  readonly #member: string
  readonly #rules: LimitRules
  /** What its keys in Redis begin with: those of all groups, and its own. Put together with each call: keys that callers make up take less. */
  readonly #tag: string
  readonly #groupTag: string
  readonly #stopListening: () => void
  readonly nextId: () => string
  #isClosed = false
  #settled: Settled[] = []
  #reporting: Promise<void> | undefined
  #recovering: Promise<void> | undefined
  #epoch: string | undefined
  #cancelHeartbeat: CancelTimer | undefined

  constructor(
    { key, group, limits, link, member, nextLease, settings, rules }: SharedKey & { readonly group: string },
    seats: Seats,
  ) {
    this.seats = seats
    this.nextId = nextLease
    this.#link = link
    this.#rules = rules
    this.#settings = settings
    this.#member = member
    this.meters = sharedMeters(limits)
    this.concurrency = limits.concurrency ?? Infinity
    this.processes = settings.processes
    this.offset = settings.clock.epoch() - settings.clock.now()
    this.#tag = `${settings.prefix}{${key}}:`
    this.#groupTag = group === '' ? this.#tag : `${this.#tag}${group}:`
    this.#stopListening = link.onChange((isUp) => {
      if (isUp) this.#reportNews()
    })
  }

  /** Redis's time, as far as this process can tell. */
  get time(): number {
    return this.#settings.clock.now() + this.offset
  }

  /** Books a call that has been admitted. */
  enter(held: Held): void {
    this.held.set(held.id, held)
    this.seats.held++
    this.meters.forEach((meter, index) => {
      const amount = held.amounts[index] as number
      meter.own.correct(meter.own.slotAt(held.at), amount, held.at)
      if (held.isReported) return
      const { spent, unreported } = awayOf(meter)
      spent.spend(amount, held.at)
      unreported.spend(amount, held.at)
    })
    if (!held.isReported) this.wasAlone = true
    this.#keepAlive()
  }

  /** Books what a call has really taken; false when that has been done. */
  settle(held: Held, actual: Cost | undefined): boolean {
    if (!this.held.delete(held.id)) return false
    this.seats.held--
    if (this.held.size === 0) this.#stopHeartbeat()
    const at = this.time
    const changes = this.meters.map((meter, index) => {
      const real = actual === undefined ? 0 : amountOf(meter, actual)
      return real - (held.amounts[index] as number)
    })
    this.meters.forEach((meter, index) => {
      const change = changes[index] as number
      const slot = meter.own.slotAt(held.at)
      meter.own.correct(slot, change, at)
      if (held.isReported) return
      const { spent, unreported } = awayOf(meter)
      spent.correct(slot, change, at)
      unreported.correct(slot, change, at)
    })
    if (held.isReported) {
      const { id: lease, at, cost, passed } = held
      const vendor = passed && vendorsPart(passed, cost, actual)
      this.#tellOfEnd({ lease, at, changes, ...(vendor && { vendor }) })
    }
    return true
  }

  /** Redis has admitted a call that did not wait for it any longer. */
  giveBack(lease: string, reserved: Cost, { status, now, amounts, passed }: Reply): void {
    if (status !== 'ok') return
    const vendor = passed && vendorsPart(passed, reserved, undefined)
    const changes = amounts.map((amount) => -amount)
    this.#tellOfEnd({ lease, at: now, changes, ...(vendor && { vendor }) })
    // It has answered just now, however late.
    this.#reportNews()
  }

  #tellOfEnd(settled: Settled): void {
    this.#settled.push(settled)
    if (this.#settled.length > mostSettled) this.#settled.shift()
    if (this.#link.isUp) this.#reportNews()
  }

  #reportNews(): void {
    if (this.#settled.length > 0 || this.wasAlone) this.report().catch(() => {})
  }

  /**
   * Tells Redis what it does not know. One report at a time: what happens meanwhile goes with the next one.
   * @throws when Redis is unavailable
   */
  async report(): Promise<void> {
    if (this.#reporting !== undefined) {
      await this.#reporting
      if (this.#settled.length === 0 && !this.wasAlone) return
    }
    this.#reporting ??= this.#reportOnce().finally(() => {
      this.#reporting = undefined
      if (this.#isClosed) this.#letGo()
    })
    return this.#reporting
  }

  async #reportOnce(): Promise<void> {
    const settled = this.#settled
    const isNew = [...this.held.values()].filter(({ isReported }) => !isReported)
    const spent = this.#unreported()
    this.#allTold()
    try {
      const reply = await this.run('settle', { spent, held: isNew.map(({ id }) => id), settled })
      if (reply.status === 'lost') return await this.recover(reply.epoch)
      this.#reported(spent)
    } catch (error) {
      for (const held of isNew) held.isReported = false
      this.wasAlone ||= isNew.length > 0 || spent.some(({ length }) => length > 0)
      this.#settled = [...settled, ...this.#settled]
      throw error
    }
  }

  /** What Redis has not been told of, for each window. */
  #unreported(): [slot: number, amount: number][][] {
    return this.meters.map(({ away }) => away?.unreported.entries(this.time) ?? [])
  }

  /** From now on, whatever happens goes with the next report. */
  #allTold(): void {
    this.wasAlone = false
    this.#settled = []
    for (const held of this.held.values()) held.isReported = true
  }

  #reported(spent: readonly (readonly [slot: number, amount: number])[][]): void {
    this.meters.forEach(({ away }, index) => {
      for (const [slot, amount] of spent[index] ?? []) away?.unreported.correct(slot, -amount, this.time)
    })
  }

  /** Redis decides again and knows all. */
  rejoin(): void {
    if (this.wasAlone) return
    for (const meter of this.meters) meter.away = undefined
  }

  /**
   * Redis has lost its data: tells it all that this process has spent and holds. Once for each loss.
   * @throws when Redis is unavailable again
   */
  async recover(epoch: string): Promise<void> {
    if (this.#epoch === epoch) return
    this.#recovering ??= this.#tellAll(epoch).finally(() => {
      this.#recovering = undefined
    })
    return this.#recovering
  }

  async #tellAll(epoch: string): Promise<void> {
    const { clock, recovery } = this.#settings
    const unreported = this.#unreported()
    const spent = this.meters.map(({ own }) => own.entries(this.time))
    const held = [...this.held.keys()]
    if (held.length > 0 || spent.some(({ length }) => length > 0)) this.aloneUntil = clock.now() + recovery
    this.#allTold()
    await this.run('settle', { epoch, spent, held, settled: [] })
    this.#epoch = epoch
    this.#reported(unreported)
  }

  /**
   * Runs an operation of the script, and takes over what it says.
   * @param late called with an answer that came after its caller had given up
   * @throws when Redis is unavailable or slow
   */
  async run(
    operation: string,
    args: {
      readonly amounts?: readonly number[]
      readonly least?: readonly number[]
      readonly [name: string]: unknown
    },
    late?: (reply: Reply) => void,
  ): Promise<Reply> {
    const { clock, lease, time } = this.#settings
    const { amounts, least, ...rest } = args
    const facts = {
      epoch: this.#epoch,
      fresh: crypto.randomUUID(),
      now: time === 'clock' ? clock.epoch() : undefined,
      member: this.#member,
      memberMs: heardOf,
      leaseMs: lease,
      maxClosureMs: this.#rules.maxRetryAfter,
      probeMs: probeEvery,
      keptMs: keptFor,
      concurrency: this.concurrency === Infinity ? undefined : this.concurrency,
      windows: this.meters.map(({ name, ms, configured: limit }, index) => ({
        ...{ name, ms, limit },
        amount: amounts?.[index] ?? 0,
        least: least?.[index] ?? 0,
      })),
      ...rest,
    }
    const reply = await this.#link.run(operation, this.#keys(), facts, late)
    if (reply.status !== 'lost') this.#learnFromReply(reply)
    return reply
  }

  #keys(): string[] {
    const [all, own] = [this.#tag, this.#groupTag]
    return [`${own}facts`, `${all}leases`, `${all}members`, ...this.meters.map(({ name }) => own + name)]
  }

  #learnFromReply({ epoch, now, members, inFlight, totals, limits }: Reply): void {
    const { clock, processes } = this.#settings
    this.#epoch ??= epoch
    this.offset = now - clock.now()
    // While processes are still telling Redis what it has lost, it knows less than they do.
    if (clock.now() < this.aloneUntil) return
    this.processes = Math.max(processes, members)
    const free = Math.max(0, this.concurrency - inFlight)
    this.seats.places = Math.max(1, this.seats.held + Math.floor(free / this.processes))
    this.meters.forEach((meter, index) => {
      meter.known.fit(totals[index] as number, now)
      meter.limit = limits[index] as number
    })
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
    if (this.wasAlone) await this.report()
    const reply = await this.run('renew', { held: [...this.held.keys()] })
    if (reply.status === 'lost') await this.recover(reply.epoch)
  }

  /** Whether nothing would be lost if it were forgotten. */
  isIdle(now: number): boolean {
    if (this.held.size > 0 || this.wasAlone || this.#settled.length > 0) return false
    if (this.#reporting !== undefined || this.#recovering !== undefined || now < this.aloneUntil) return false
    return this.meters.every(({ own }) => own.spent(this.time) === 0)
  }

  /** What Redis has not been told yet is told when it is back. */
  close(): void {
    this.#isClosed = true
    this.#stopHeartbeat()
    this.#letGo()
  }

  #letGo(): void {
    if (this.#settled.length > 0 || this.wasAlone || this.#reporting !== undefined) return
    this.#stopListening()
  }
}
