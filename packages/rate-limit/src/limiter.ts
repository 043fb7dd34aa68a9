import { LinkedList, type ListPlace } from '@spillway/middleware/kit'
import type { VendorLimit } from '@spillway/wire'
import type { Admission, Beside, GroupState, Headroom, Lease } from './admission.ts'
import { LimitGroups } from './limit-groups.ts'
import {
  type Ahead,
  type Cost,
  checkLimits,
  type LimitRules,
  type Limits,
  limitRules,
  type WindowName,
  windows,
} from './limits.ts'
import { SlidingWindow } from './sliding-window.ts'
import { type Passed, VendorGate } from './vendor-gate.ts'

interface Meter {
  readonly name: WindowName
  readonly window: SlidingWindow
  readonly limit: number
  /** What a call takes from it; kept here, for speed. */
  readonly of: (cost: Cost) => number
}

/**
 * The limits of one key in this process. A call is admitted to all of them or to none. Estimates larger than a whole
 * limit are taken for the limit: such a call waits for an empty window instead of for ever.
 */
export class Limiter implements Admission {
  inFlight = 0
  readonly #groups: LimitGroups<Group>
  readonly #concurrency: number
  readonly #maxRetryAfter: number
  #onRelease: Set<() => void> | undefined = undefined

  constructor(limits: Limits, { maxRetryAfter = limitRules.maxRetryAfter }: Partial<LimitRules> = {}) {
    checkLimits(limits)
    this.#maxRetryAfter = maxRetryAfter
    this.#concurrency = limits.concurrency ?? Infinity
    this.#groups = new LimitGroups(() => new Group(limits))
  }

  tryAcquire(cost: Cost, now: number, beside?: Beside): Lease | undefined {
    // A call that passes another one leaves a place for it.
    if (this.inFlight + (beside === undefined ? 1 : 2) > this.#concurrency) return undefined
    const group = this.#groups.for(cost.group ?? '', now)
    const isSameGroup = (beside?.cost.group ?? '') === (cost.group ?? '')
    const admitted = group.tryAcquire(cost, now, isSameGroup ? beside : undefined)
    if (admitted === undefined) return undefined
    this.inFlight++
    let isOpen = true
    return {
      observe: (answer, at) => {
        const { cost: asked, passed } = admitted.value
        if (group.gate.hear(passed, asked, answer, at, this.#maxRetryAfter)) this.#released()
      },
      settle: (actual, at) => {
        if (!isOpen) return
        isOpen = false
        this.inFlight--
        group.settle(admitted, actual, at)
        this.#released()
      },
    }
  }

  /**
   * Counts what was spent elsewhere of a group's windows, whether there is capacity for it or not. Negative amounts give back, at most what
   * was spent at the same time.
   */
  spend(amounts: Ahead, now: number, group = ''): void {
    for (const { name, window } of this.#groups.for(group, now).meters) {
      const amount = windows[name].ofAll(amounts)
      const slot = window.spend(Math.max(0, amount), now)
      if (amount < 0) window.correct(slot, amount, now)
    }
  }

  /**
   * Milliseconds until the windows have capacity for `cost` and for what waits before it; 0 when they have it now. How long
   * a call in flight will hold its slot is unknown: that is not counted.
   */
  timeUntil(cost: Cost, now: number, ahead?: Ahead): number {
    return this.#groups.for(cost.group ?? '', now).timeUntil(cost, now, ahead)
  }

  soonest(cost: Cost, now: number, ahead?: Ahead): number {
    return this.#groups.for(cost.group ?? '', now).soonest(cost, now, ahead)
  }

  onRelease(callback: () => void): () => void {
    this.#onRelease ??= new Set()
    this.#onRelease.add(callback)
    return () => this.#onRelease?.delete(callback)
  }

  closeUntil(at: number, now: number, group = ''): void {
    this.#groups.for(group, now).gate.close(Math.min(at, now + this.#maxRetryAfter), now)
  }

  open(): void {
    for (const [, { gate }] of this.#groups) gate.open()
    this.#released()
  }

  learn(name: WindowName, vendor: Omit<VendorLimit, 'dimension'>, now: number, group = ''): void {
    this.#groups.for(group, now).gate.tell(name, vendor, now)
  }

  headroom(now: number, group?: string): Headroom {
    const fullest: Record<string, { used: number; limit: number }> = {}
    const one = group === undefined ? undefined : this.#groups.for(group, now)
    for (const { meters } of one === undefined ? [...this.#groups].map(([, each]) => each) : [one]) {
      for (const { name, window, limit } of meters) {
        const used = window.spent(now)
        if (used >= (fullest[name]?.used ?? 0)) fullest[name] = { used, limit }
      }
    }
    const places = { concurrency: { used: this.inFlight, limit: this.#concurrency } }
    return { ...fullest, ...(this.#concurrency === Infinity ? {} : places) }
  }

  groups(now: number): GroupState[] {
    return [...this.#groups].map(([group, { meters, gate }]) => ({
      group,
      headroom: Object.fromEntries(
        meters.map(({ name, window, limit }) => [name, { used: window.spent(now), limit }]),
      ),
      closedMs: Math.max(0, gate.closedUntil - now),
      vendor: gate.words(now),
    }))
  }

  isIdle(now: number): boolean {
    return this.inFlight === 0 && this.#groups.areIdle(now)
  }

  close(): void {}

  #released(): void {
    if (this.#onRelease === undefined) return
    for (const released of this.#onRelease) released()
  }
}

/** A call that has been admitted: what it has taken, in the order of the meters. */
interface Admitted {
  readonly cost: Cost
  readonly spent: readonly { readonly amount: number; readonly slot: number }[]
  readonly passed: Passed
}

/** What calls in flight may give back when they settle: of each window by slot, and all together. */
interface GivenBack {
  readonly bySlot: readonly ReadonlyMap<number, number>[]
  readonly total: Ahead
}

/** The windows of one limit group, and what the vendor says of it. */
class Group {
  readonly gate = new VendorGate()
  readonly meters: readonly Meter[]
  readonly #unsettled = new LinkedList<Admitted>()
  /** Computed when a call has to wait, and valid until a call is admitted or settled. */
  #givenBack: GivenBack | undefined

  constructor(limits: Limits) {
    const names = (Object.keys(windows) as WindowName[]).filter((name) => limits[name] !== undefined)
    // An array that is mapped has no spare places.
    this.meters = names.map((name) => {
      const { ms, of } = windows[name]
      return { name, window: new SlidingWindow(ms), limit: limits[name] as number, of }
    })
  }

  tryAcquire(cost: Cost, now: number, beside?: Beside): ListPlace<Admitted> | undefined {
    for (const meter of this.meters) {
      if (meter.window.spent(now) + amountOf(meter, cost) > meter.limit) return undefined
    }
    if (!this.gate.isOpenTo(cost, now)) return undefined
    if (beside !== undefined && !this.#fitsBeside(beside, cost, now)) return undefined
    const spent = this.meters.map((meter) => {
      const amount = amountOf(meter, cost)
      return { amount, slot: meter.window.spend(amount, now) }
    })
    const admitted = { cost, spent, passed: this.gate.pass(cost, now) }
    this.#givenBack = undefined
    return this.#unsettled.add(admitted)
  }

  /** Whether a call that is admitted now leaves capacity for one that it passes, when that one needs it. */
  #fitsBeside({ cost: passed, by, isHoping }: Beside, cost: Cost, now: number): boolean {
    const givenBack = isHoping ? this.#mostGivenBack() : undefined
    const { inputTokens, outputTokens } = cost
    const together = { calls: 1, inputTokens, outputTokens }
    if (this.gate.timeUntil(passed, now, together, givenBack?.total) > by - now) return false
    return this.meters.every((meter, index) => {
      const { window, limit } = meter
      const amount = amountOf(meter, cost) + amountOf(meter, passed)
      if (window.spent(now) + amount <= limit || !window.lasts(now, by)) return true
      return window.spentBy(by, now, givenBack?.bySlot[index]) + amount <= limit
    })
  }

  settle(admitted: ListPlace<Admitted>, actual: Cost | undefined, now: number): void {
    const { cost, spent, passed } = admitted.value
    this.#unsettled.delete(admitted)
    this.#givenBack = undefined
    this.meters.forEach(({ window, of }, index) => {
      const { amount, slot } = spent[index] as { amount: number; slot: number }
      const real = actual === undefined ? 0 : of(actual)
      if (real !== amount) window.correct(slot, real - amount, now)
    })
    this.gate.settle(passed, cost, actual, now)
  }

  soonest(cost: Cost, now: number, ahead?: Ahead): number {
    const wait = this.timeUntil(cost, now, ahead)
    return wait === 0 ? 0 : this.timeUntil(cost, now, ahead, this.#mostGivenBack())
  }

  timeUntil(cost: Cost, now: number, ahead?: Ahead, givenBack?: GivenBack): number {
    let wait = this.gate.timeUntil(cost, now, ahead, givenBack?.total)
    this.meters.forEach((meter, index) => {
      const { window, limit, name } = meter
      const amount = amountOf(meter, cost) + (ahead === undefined ? 0 : windows[name].ofAll(ahead))
      // Whole windows that those ahead fill by themselves, and the rest.
      const full = Math.max(0, Math.ceil(amount / limit) - 1)
      const allowed = Math.max(0, limit - (amount - full * limit))
      const until = window.timeUntil(allowed, now, givenBack?.bySlot[index]) + full * window.windowMs
      wait = Math.max(wait, until)
    })
    return wait
  }

  #mostGivenBack(): GivenBack {
    if (this.#givenBack !== undefined) return this.#givenBack
    const bySlot = this.meters.map(() => new Map<number, number>())
    const total = { calls: 0, inputTokens: 0, outputTokens: 0 }
    for (const { cost, spent } of this.#unsettled) {
      const { predicted = nothing } = cost
      total.inputTokens += Math.max(0, cost.inputTokens - predicted.inputTokens)
      total.outputTokens += Math.max(0, cost.outputTokens - predicted.outputTokens)
      for (const [index, slots] of bySlot.entries()) {
        const { amount, slot } = spent[index] as Admitted['spent'][0]
        const back = amount - amountOf(this.meters[index] as Meter, predicted)
        if (back > 0) slots.set(slot, (slots.get(slot) ?? 0) + back)
      }
    }
    this.#givenBack = { bySlot, total }
    return this.#givenBack
  }

  isIdle(now: number): boolean {
    return this.gate.isIdle(now) && this.meters.every(({ window }) => window.spent(now) === 0)
  }

  close(): void {}
}

/** What a call takes at least of which nothing is known. */
const nothing: Cost = { inputTokens: 0, outputTokens: 0 }

function amountOf(meter: Meter, cost: Cost): number {
  return Math.min(meter.limit, meter.of(cost))
}
