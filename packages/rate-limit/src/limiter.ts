import type { VendorLimit } from '@spillway/wire'
import type { Admission, Headroom, Lease } from './admission.ts'
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

interface Meter {
  readonly name: WindowName
  readonly window: SlidingWindow
  readonly configured: number
  /** The configured limit, or the vendor's where that is lower. */
  limit: number
}

/**
 * The limits of one key in this process. A call is admitted to all of them or to none. Estimates larger than a whole
 * limit are taken for the limit: such a call waits for an empty window instead of for ever.
 */
export class Limiter implements Admission {
  inFlight = 0
  readonly #meters: readonly Meter[]
  readonly #concurrency: number
  readonly #maxClosure: number
  readonly #onRelease = new Set<() => void>()
  /** A vendor's 429 closes everything until then. */
  #closedUntil = -Infinity

  constructor(limits: Limits, { maxClosure = limitRules.maxClosure }: Partial<LimitRules> = {}) {
    checkLimits(limits)
    this.#maxClosure = maxClosure
    this.#concurrency = limits.concurrency ?? Infinity
    this.#meters = (Object.keys(windows) as WindowName[]).flatMap((name) => {
      const limit = limits[name]
      if (limit === undefined) return []
      return [{ name, window: new SlidingWindow(windows[name].ms), configured: limit, limit }]
    })
  }

  tryAcquire(cost: Cost, now: number): Lease | undefined {
    if (this.inFlight >= this.#concurrency || now < this.#closedUntil) return undefined
    for (const meter of this.#meters) {
      if (meter.window.spent(now) + amountOf(meter, cost) > meter.limit) return undefined
    }
    this.inFlight++
    const spent = this.#meters.map((meter) => {
      const amount = amountOf(meter, cost)
      return { meter, amount, slot: meter.window.spend(amount, now) }
    })
    let isOpen = true
    return {
      settle: (actual, at) => {
        if (!isOpen) return
        isOpen = false
        this.inFlight--
        for (const { meter, amount, slot } of spent) {
          const real = actual === undefined ? 0 : windows[meter.name].of(actual)
          if (real !== amount) meter.window.correct(slot, real - amount, at)
        }
        for (const released of this.#onRelease) released()
      },
    }
  }

  /**
   * Milliseconds until the windows have room for `cost` and for what waits before it; 0 when they have it now. How long
   * a call under way will keep its place, nobody knows: that is not counted.
   */
  timeUntil(cost: Cost, now: number, before: readonly Cost[] = []): number {
    let wait = Math.max(0, this.#closedUntil - now)
    for (const meter of this.#meters) {
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

  onRelease(callback: () => void): () => void {
    this.#onRelease.add(callback)
    return () => this.#onRelease.delete(callback)
  }

  closeUntil(at: number, now: number): void {
    this.#closedUntil = Math.max(this.#closedUntil, Math.min(at, now + this.#maxClosure))
  }

  learn(name: WindowName, vendor: Omit<VendorLimit, 'dimension'>, now: number): void {
    const meter = this.#meters.find((candidate) => candidate.name === name)
    if (meter === undefined) return
    if (vendor.limit !== undefined) meter.limit = Math.min(meter.configured, Math.max(1, vendor.limit))
    const elsewhere = (vendor.limit ?? meter.limit) - vendor.remaining - meter.window.spent(now)
    if (elsewhere > 0) meter.window.spendUntil(elsewhere, now + vendor.resetMs, now)
  }

  headroom(now: number): Headroom {
    const meters = this.#meters.map((meter) => [
      meter.name,
      { used: meter.window.spent(now), limit: meter.limit },
    ])
    return {
      ...Object.fromEntries(meters),
      ...(this.#concurrency === Infinity
        ? {}
        : { concurrency: { used: this.inFlight, limit: this.#concurrency } }),
    }
  }

  close(): void {}
}

function amountOf(meter: Meter, cost: Cost): number {
  return Math.min(meter.limit, windows[meter.name].of(cost))
}
