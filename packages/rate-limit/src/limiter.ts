import type { VendorLimit } from '@spillway/wire'
import type { Admission, GroupState, Headroom, Lease } from './admission.ts'
import { LimitGroups } from './limit-groups.ts'
import {
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
}

/**
 * The limits of one key in this process. A call is admitted to all of them or to none. Estimates larger than a whole
 * limit are taken for the limit: such a call waits for an empty window instead of for ever.
 */
export class Limiter implements Admission {
  inFlight = 0
  readonly #groups: LimitGroups<Group>
  readonly #concurrency: number
  readonly #maxClosure: number
  #onRelease: Set<() => void> | undefined = undefined

  constructor(limits: Limits, { maxClosure = limitRules.maxClosure }: Partial<LimitRules> = {}) {
    checkLimits(limits)
    this.#maxClosure = maxClosure
    this.#concurrency = limits.concurrency ?? Infinity
    this.#groups = new LimitGroups(() => new Group(limits))
  }

  tryAcquire(cost: Cost, now: number): Lease | undefined {
    if (this.inFlight >= this.#concurrency) return undefined
    const group = this.#groups.for(cost.group ?? '', now)
    const admitted = group.tryAcquire(cost, now)
    if (admitted === undefined) return undefined
    this.inFlight++
    let isOpen = true
    return {
      hear: (answer, at) => {
        const { cost: asked, passed } = admitted
        if (group.gate.hear(passed, asked, answer, at, this.#maxClosure)) this.#released()
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
   * Milliseconds until the windows have capacity for `cost` and for what waits before it; 0 when they have it now. How long
   * a call in flight will keep its place, nobody knows: that is not counted.
   */
  timeUntil(cost: Cost, now: number, before: readonly Cost[] = []): number {
    const name = cost.group ?? ''
    const group = this.#groups.find(name)
    const ahead = before.filter((other) => (other.group ?? '') === name)
    return (group ?? this.#groups.for(name, now)).timeUntil(cost, now, ahead)
  }

  onRelease(callback: () => void): () => void {
    this.#onRelease ??= new Set()
    this.#onRelease.add(callback)
    return () => this.#onRelease?.delete(callback)
  }

  closeUntil(at: number, now: number, group = ''): void {
    this.#groups.for(group, now).gate.close(Math.min(at, now + this.#maxClosure), now)
  }

  open(): void {
    for (const [, { gate }] of this.#groups) gate.open()
    this.#released()
  }

  learn(name: WindowName, vendor: Omit<VendorLimit, 'dimension'>, now: number, group = ''): void {
    this.#groups.for(group, now).gate.tell(name, vendor, now)
  }

  headroom(now: number): Headroom {
    const fullest: Record<string, { used: number; limit: number }> = {}
    for (const [, group] of this.#groups) {
      for (const { name, window, limit } of group.meters) {
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

/** The windows of one limit group, and what the vendor says of it. */
class Group {
  readonly gate = new VendorGate()
  readonly meters: readonly Meter[]

  constructor(limits: Limits) {
    const names = (Object.keys(windows) as WindowName[]).filter((name) => limits[name] !== undefined)
    // An array that is mapped has no spare places.
    this.meters = names.map((name) => {
      return { name, window: new SlidingWindow(windows[name].ms), limit: limits[name] as number }
    })
  }

  tryAcquire(cost: Cost, now: number): Admitted | undefined {
    for (const meter of this.meters) {
      if (meter.window.spent(now) + amountOf(meter, cost) > meter.limit) return undefined
    }
    if (!this.gate.isOpenTo(cost, now)) return undefined
    const spent = this.meters.map((meter) => {
      const amount = amountOf(meter, cost)
      return { amount, slot: meter.window.spend(amount, now) }
    })
    return { cost, spent, passed: this.gate.pass(cost, now) }
  }

  settle({ cost, spent, passed }: Admitted, actual: Cost | undefined, now: number): void {
    this.meters.forEach(({ name, window }, index) => {
      const { amount, slot } = spent[index] as { amount: number; slot: number }
      const real = actual === undefined ? 0 : windows[name].of(actual)
      if (real !== amount) window.correct(slot, real - amount, now)
    })
    this.gate.settle(passed, cost, actual, now)
  }

  timeUntil(cost: Cost, now: number, before: readonly Cost[]): number {
    let wait = this.gate.timeUntil(cost, now, before)
    for (const meter of this.meters) {
      let amount = amountOf(meter, cost)
      for (const other of before) amount += amountOf(meter, other)
      // Whole windows that those ahead fill by themselves, and the rest.
      const full = Math.max(0, Math.ceil(amount / meter.limit) - 1)
      const rest = amount - full * meter.limit
      const until =
        meter.window.timeUntil(Math.max(0, meter.limit - rest), now) + full * meter.window.windowMs
      wait = Math.max(wait, until)
    }
    return wait
  }

  isIdle(now: number): boolean {
    return this.gate.isIdle(now) && this.meters.every(({ window }) => window.spent(now) === 0)
  }

  close(): void {}
}

function amountOf(meter: Meter, cost: Cost): number {
  return Math.min(meter.limit, windows[meter.name].of(cost))
}
