import type { VendorLimit } from '@spillway/wire'
import type { Admission, Headroom, Lease } from './admission.ts'
import type { LimitLink } from './limit-link.ts'
import { type Cost, checkLimits, type LimitRules, type Limits, type WindowName } from './limits.ts'
import type { RedisLimitStoreOptions } from './redis-limit-store.ts'
import { type Held, SharedBooks } from './shared-books.ts'
import { amountAlone, amountOf, fitsAlone, waitAlone } from './shared-meter.ts'

/** How often a process asks again while others hold all places, in milliseconds; each time a bit different. */
const pollEvery = 50

/**
 * The limits of one key over all processes. While Redis answers, it decides. While it does not, this process admits its
 * share (one in as many as there are processes) of what was left by Redis's last word, and of what becomes free; it
 * reports that when Redis is back.
 */
export class SharedLimiter implements Admission {
  readonly #link: LimitLink
  readonly #settings: Required<RedisLimitStoreOptions>
  readonly #maxClosure: number
  readonly #books: SharedBooks
  readonly #onRelease = new Set<() => void>()
  /** In Redis's time. */
  #closedUntil = -Infinity
  /** When there will be room for the call that was last told to wait. */
  #roomAt = -Infinity

  constructor(
    key: string,
    limits: Limits,
    link: LimitLink,
    member: string,
    settings: Required<RedisLimitStoreOptions>,
    rules: LimitRules,
  ) {
    checkLimits(limits)
    this.#link = link
    this.#settings = settings
    this.#maxClosure = rules.maxClosure
    this.#books = new SharedBooks(key, limits, link, member, settings, rules)
  }

  get inFlight(): number {
    return this.#books.held.size
  }

  tryAcquire(cost: Cost, now: number): Lease | undefined | Promise<Lease | undefined> {
    if (this.#link.isUp) return this.#acquire(cost)
    if (this.#link.isProbeDue()) this.#books.report().catch(() => {})
    return this.#acquireAlone(cost, now)
  }

  async #acquire(cost: Cost): Promise<Lease | undefined> {
    const { clock } = this.#settings
    const books = this.#books
    try {
      const isRecovering = (): boolean => clock.now() < books.aloneUntil
      if (books.wasAlone && !isRecovering()) await books.report()
      if (isRecovering()) return this.#acquireAlone(cost, clock.now())
      const id = books.nextId()
      const wanted = { lease: id, amounts: books.meters.map((meter) => amountOf(meter, cost)) }
      let reply = await books.run('acquire', wanted, (late) => books.giveBack(id, late))
      if (reply.status === 'lost') {
        await books.recover(reply.epoch)
        if (isRecovering()) return this.#acquireAlone(cost, clock.now())
        reply = await books.run('acquire', wanted, (late) => books.giveBack(id, late))
      }
      books.rejoin()
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

  #acquireAlone(cost: Cost, now: number): Lease | undefined {
    const { offset, held, places, concurrency, meters, processes } = this.#books
    const at = now + offset
    if (at < this.#closedUntil || held.size >= Math.min(places, concurrency)) return undefined
    const amounts = meters.map((meter) => amountAlone(meter, cost, processes))
    if (!meters.every((meter, index) => fitsAlone(meter, amounts[index] as number, processes, at))) {
      return undefined
    }
    return this.#admit({ id: this.#books.nextId(), at, amounts, isReported: false })
  }

  #admit(held: Held): Lease {
    this.#books.enter(held)
    return {
      settle: (actual) => {
        if (!this.#books.settle(held, actual)) return
        for (const released of this.#onRelease) released()
      },
    }
  }

  timeUntil(cost: Cost, now: number, before: readonly Cost[] = []): number {
    const { offset, aloneUntil, meters, processes } = this.#books
    const at = now + offset
    const isAlone = !this.#link.isUp || now < aloneUntil
    const told = isAlone ? 0 : this.#roomAt - now
    let wait = Math.max(0, this.#closedUntil - at, told)
    for (const meter of meters) {
      const ahead = before.reduce((sum, other) => sum + amountAlone(meter, other, 1), 0)
      const alone = isAlone ? waitAlone(meter, amountAlone(meter, cost, processes), processes, at) : 0
      wait = Math.max(wait, Math.max(told, alone) + (ahead / meter.limit) * meter.ms)
    }
    return wait
  }

  onRelease(callback: () => void): () => void {
    this.#onRelease.add(callback)
    return () => this.#onRelease.delete(callback)
  }

  closeUntil(at: number, now: number): void {
    const closeMs = Math.min(Math.max(0, at - now), this.#maxClosure)
    this.#closedUntil = Math.max(this.#closedUntil, now + closeMs + this.#books.offset)
    this.#books.run('close', { closeMs }).catch(() => {})
  }

  learn(name: WindowName, vendor: Omit<VendorLimit, 'dimension'>, now: number): void {
    const { meters, offset } = this.#books
    const meter = meters.find((candidate) => candidate.name === name)
    if (meter === undefined) return
    const limit = Math.min(meter.configured, Math.max(1, vendor.limit ?? meter.configured))
    const elsewhere = (vendor.limit ?? meter.limit) - vendor.remaining - meter.known.spent(now + offset)
    if (elsewhere <= 0 && limit === meter.limit) return
    this.#books.run('learn', { name, ...vendor }).catch(() => {})
  }

  headroom(now: number): Headroom {
    const { meters, offset, held, concurrency } = this.#books
    const at = now + offset
    const windows = meters.map(({ name, known, away, limit }) => [
      name,
      { used: known.spent(at) + (away?.spent.spent(at) ?? 0), limit },
    ])
    const places = { concurrency: { used: held.size, limit: concurrency } }
    return { ...Object.fromEntries(windows), ...(concurrency === Infinity ? {} : places) }
  }

  close(): void {
    this.#books.close()
  }
}
