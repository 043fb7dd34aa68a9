import type { VendorLimit } from '@spillway/wire'
import { type Cost, type VendorWord, type WindowName, windows } from './limits.ts'

/** Closures that last longer are probed: one call in each such time passes, in milliseconds. */
export const probeEvery = 60_000

/** How long a limit that a vendor no longer tells of is still kept to after its reset, in milliseconds. */
export const keptFor = 300_000

/** A call that has passed. */
export interface Passed {
  /** Its number among the calls of its group. */
  readonly order: number
  /** The input tokens that all calls up to it have asked for. */
  readonly input: number
  readonly at: number
  /** Whether it has passed a closure, to show whether the vendor still refuses. */
  readonly isProbe: boolean
}

/** What a vendor has said of one of its limits, and what has been admitted since. */
interface Told {
  readonly name: WindowName
  readonly limit: number | undefined
  /** What comes back in a millisecond. */
  readonly refill: number
  readonly resetAt: number
  /** The last call that is contained in it. */
  readonly order: number
  /** When calls may test whether it still holds; Infinity where it ends soon. */
  readonly probeFrom: number
  /** Less what was admitted since; it may be below 0. */
  remaining: number
  /** The time that `remaining` is of. */
  at: number
}

/**
 * What a vendor allows the calls of one group, by its own word: a pool that others may be using too, so it is compared with
 * what calls ask and never counted as use of ours. Times are of one clock.
 */
export class VendorGate {
  readonly #told = new Map<string, Told>()
  #order = 0
  #input = 0
  /** Output that calls in flight may still produce: vendors count it as it is generated. */
  #output = 0
  #closedUntil = -Infinity
  /** The last call before the closure. */
  #closedAfter = 0
  #probeFrom = Infinity
  #lastProbe = -Infinity

  /** When a vendor's 429 ends; -Infinity where there is none. */
  get closedUntil(): number {
    return this.#closedUntil
  }

  /** Milliseconds until a call passes that tests nothing, with others before it; 0 when it does now. */
  timeUntil(cost: Cost, now: number, before: readonly Cost[] = []): number {
    let wait = Math.max(0, this.#closedUntil - now)
    for (const told of this.#told.values()) wait = Math.max(wait, this.#lasts(told, cost, now, before))
    return wait
  }

  /** Whether a call may pass now, if only to test whether the vendor still refuses. */
  isOpenTo(cost: Cost, now: number): boolean {
    if (now < this.#closedUntil && !this.#isProbeDue(this.#probeFrom, now)) return false
    for (const told of this.#told.values()) {
      if (this.#lasts(told, cost, now) > 0 && !this.#isProbeDue(told.probeFrom, now)) return false
    }
    return true
  }

  #isProbeDue(from: number, now: number): boolean {
    return now >= Math.max(from, this.#lastProbe + probeEvery)
  }

  /** Lets a call pass that it is open to. */
  pass(cost: Cost, now: number): Passed {
    let isProbe = now < this.#closedUntil
    for (const told of this.#told.values()) {
      isProbe ||= this.#lasts(told, cost, now) > 0
      if (told.name !== 'outputTokensPerMinute') told.remaining -= windows[told.name].of(cost)
    }
    if (isProbe) this.#lastProbe = now
    this.#order++
    this.#output += cost.outputTokens
    this.#input += cost.inputTokens
    return { order: this.#order, input: this.#input, at: now, isProbe }
  }

  /** A call is over and has taken `actual`; undefined when nothing was sent. */
  settle(passed: Passed, reserved: Cost, actual: Cost | undefined, isOutputTold: boolean): void {
    this.#output -= reserved.outputTokens
    for (const told of this.#told.values()) {
      const { of } = windows[told.name]
      const real = actual === undefined ? 0 : of(actual)
      if (told.name === 'outputTokensPerMinute') told.remaining -= isOutputTold ? 0 : real
      else if (passed.order > told.order) told.remaining += of(reserved) - real
    }
  }

  /**
   * Takes over what a vendor says of one of its limits.
   * @param passed the call whose answer says it; undefined where it is known to contain all calls
   */
  tell(name: WindowName, vendor: Omit<VendorLimit, 'dimension'>, now: number, passed?: Passed): void {
    const key = `${name} ${vendor.periodMs ?? ''}`
    const old = this.#current(key, now)
    const order = passed?.order ?? this.#order
    const { limit, resetMs } = vendor
    const used = limit === undefined ? 0 : limit - vendor.remaining
    const refill = limit === undefined ? 0 : used > 0 ? used / Math.max(1, resetMs) : limit / probeEvery
    if (passed !== undefined && old !== undefined && order < old.order) {
      // An older answer says at most how much there can be.
      const most = resetMs > 0 ? vendor.remaining + refill * Math.max(0, now - passed.at) : Infinity
      old.remaining = Math.min(old.remaining, most)
      return
    }
    const since = name === 'outputTokensPerMinute' ? 0 : this.#askedSince(name, passed)
    const remaining = Math.min(resetMs > 0 ? vendor.remaining : Infinity, limit ?? vendor.remaining)
    const one = remaining >= 1 ? 0 : refill > 0 ? (1 - remaining) / refill : resetMs
    const isLong = one > probeEvery
    const probeFrom = isLong ? Math.min(old?.probeFrom ?? Infinity, now + probeEvery) : Infinity
    this.#told.set(key, {
      ...{ name, limit, refill, order, probeFrom },
      ...{ at: now, resetAt: now + resetMs, remaining: remaining - since },
    })
  }

  /** A vendor's 429: lets nothing pass until `at` but probes. */
  close(at: number, now: number, passed?: Passed): void {
    const isNews = passed !== undefined && passed.order > this.#closedAfter
    const isClosed = now < this.#closedUntil
    this.#closedUntil = isNews ? at : Math.max(this.#closedUntil, at)
    if (isNews || !isClosed) this.#closedAfter = this.#order
    if (!isClosed) this.#probeFrom = Infinity
    if (this.#closedUntil - now > probeEvery) this.#probeFrom = Math.min(this.#probeFrom, now + probeEvery)
  }

  /**
   * A call was answered with a success: what was closed before it is open. Limits that its answer has not told again and
   * that would still refuse are forgotten.
   * @returns whether that opened something
   */
  succeed(passed: Passed, now: number): boolean {
    let opened = false
    if (now < this.#closedUntil && passed.order > this.#closedAfter) {
      this.#closedUntil = -Infinity
      opened = true
    }
    for (const [key, { probeFrom, order }] of this.#told) {
      if (probeFrom === Infinity || passed.order <= order) continue
      this.#told.delete(key)
      opened = true
    }
    return opened
  }

  /** Takes over until when others have closed it. */
  agree(closedUntil: number, now: number): void {
    if (closedUntil <= now) this.#closedUntil = -Infinity
    else if (now >= this.#closedUntil) this.close(closedUntil, now)
  }

  /** Opens whatever is closed. */
  open(): void {
    this.#closedUntil = -Infinity
    this.#told.clear()
  }

  /** What the vendor said last, less what was admitted since. */
  words(now: number): VendorWord[] {
    return [...this.#told.keys()].flatMap((key) => {
      const told = this.#current(key, now)
      if (told === undefined) return []
      const { name, limit, remaining, resetAt } = told
      return [
        { name, limit, remaining: Math.max(0, Math.floor(remaining)), resetMs: Math.max(0, resetAt - now) },
      ]
    })
  }

  /** Whether it would limit nobody if it were forgotten. */
  isIdle(now: number): boolean {
    if (now < this.#closedUntil || this.#output > 0) return false
    return [...this.#told.values()].every(({ resetAt }) => resetAt <= now)
  }

  #current(key: string, now: number): Told | undefined {
    const told = this.#told.get(key)
    if (told === undefined) return undefined
    // Without a limit, what came after the reset is unknown.
    if (now >= told.resetAt + (told.limit === undefined ? 0 : keptFor)) {
      this.#told.delete(key)
      return undefined
    }
    const refilled = told.remaining + told.refill * Math.max(0, now - told.at)
    told.remaining = Math.min(refilled, told.limit ?? Infinity)
    told.at = Math.max(told.at, now)
    return told
  }

  /** How long a limit of the vendor's refuses such a call, in milliseconds. */
  #lasts(told: Told, cost: Cost, now: number, before: readonly Cost[] = []): number {
    const { name, limit, refill, resetAt } = told
    if (now >= resetAt + (limit === undefined ? 0 : keptFor)) return 0
    const { of } = windows[name]
    let asked = of(cost)
    // A pool that others use is hardly ever full: half of it is enough for a call that is estimated larger than all.
    if (limit !== undefined && asked > limit) asked = limit / 2
    for (const other of before) asked += of(other)
    if (name === 'outputTokensPerMinute') asked += this.#output
    const remaining = Math.min(told.remaining + refill * Math.max(0, now - told.at), limit ?? Infinity)
    if (asked <= remaining) return 0
    return refill > 0 ? Math.ceil((asked - remaining) / refill) : resetAt - now
  }

  #askedSince(name: WindowName, passed: Passed | undefined): number {
    if (passed === undefined) return 0
    if (name === 'inputTokensPerMinute') return this.#input - passed.input
    return this.#order - passed.order
  }
}
