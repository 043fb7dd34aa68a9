import type { VendorLimit } from '@spillway/wire'
import {
  type Ahead,
  type Cost,
  type VendorFeedback,
  type VendorQuota,
  type WindowName,
  windows,
} from './limits.ts'

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
  readonly key: string
  readonly name: WindowName
  /** What calls take from it; kept here, for speed. */
  readonly window: (typeof windows)[WindowName]
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
  /** A call that was too large for it, and when such a call passes. */
  refused: { readonly asked: number; readonly until: number } | undefined
}

/** Shared by all that have heard nothing; nothing is ever written to it. */
const nothingTold: Map<string, Told> = new Map()

/**
 * What a vendor allows the calls of one group, by its own word: a pool that others may be using too, so it is compared with
 * what calls ask and never counted as use of ours. Times are of one clock.
 */
export class VendorGate {
  #told: Map<string, Told> = nothingTold
  #order = 0
  #input = 0
  /** Output that calls in flight are still expected to produce: vendors count it as it is generated. */
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

  /**
   * Milliseconds until a call passes that tests nothing, with others before it; 0 when it does now.
   * @param givenBack what calls in flight are taken to give back
   */
  timeUntil(cost: Cost, now: number, ahead?: Ahead, givenBack?: Ahead): number {
    let wait = Math.max(0, this.#closedUntil - now)
    for (const told of this.#told.values())
      wait = Math.max(wait, this.#lasts(told, cost, now, ahead, givenBack))
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
      refresh(told, now)
      if (told.name !== 'outputTokensPerMinute') told.remaining -= told.window.of(cost)
    }
    if (isProbe) this.#lastProbe = now
    this.#order++
    this.#output += expectedOutput(cost)
    this.#input += cost.inputTokens
    return { order: this.#order, input: this.#input, at: now, isProbe }
  }

  /** The last call that has passed, as of now. */
  latest(now: number): Passed {
    return { order: this.#order, input: this.#input, at: now, isProbe: false }
  }

  /** A call is over and has taken `actual`; undefined when nothing was sent. */
  settle(passed: Passed, reserved: Cost, actual: Cost | undefined, now: number): void {
    this.#output -= expectedOutput(reserved)
    for (const told of this.#told.values()) {
      refresh(told, now)
      const { of } = told.window
      const real = actual === undefined ? 0 : of(actual)
      // Of the output of calls before the word, some was contained in it: half, on the mean.
      if (told.name === 'outputTokensPerMinute') told.remaining -= passed.order > told.order ? real : real / 2
      else if (passed.order > told.order) told.remaining += of(reserved) - real
    }
  }

  /**
   * Takes over what the answer to a call says.
   * @param maxRetryAfter how long a 429 closes at most, in milliseconds
   * @returns whether that opened something
   */
  hear(passed: Passed, cost: Cost, answer: VendorFeedback, now: number, maxRetryAfter: number): boolean {
    for (const limit of answer.limits) this.tell(limit.name, limit, now, passed)
    const { lacking, closeMs } = refusalOf(cost, answer, maxRetryAfter)
    for (const { key, asked, ms } of lacking) {
      const told = this.#told.get(key)
      if (told !== undefined) told.refused = { asked, until: now + ms }
    }
    if (closeMs !== undefined) this.close(now + closeMs, now, passed)
    return answer.isSuccess && this.succeed(passed, now)
  }

  /**
   * Takes over what a vendor says of one of its limits.
   * @param passed the call whose answer says it, as of when it was sent; undefined where it is known to contain all calls
   */
  tell(name: WindowName, vendor: Omit<VendorLimit, 'dimension'>, now: number, passed?: Passed): void {
    const key = keyOf(name, vendor.periodMs)
    const old = this.#current(key, now)
    const order = passed?.order ?? this.#order
    const { limit, resetMs } = vendor
    const { remaining, refill } = readWord(vendor)
    const since = refill * Math.max(0, now - (passed?.at ?? now))
    const most = remaining + since
    if (old !== undefined && order < old.order) {
      // An older answer says at most how much there can be.
      old.remaining = Math.min(old.remaining, most)
      return
    }
    const one = most >= 1 ? 0 : refill > 0 ? (1 - most) / refill : resetMs
    const probeFrom = one > probeEvery ? Math.min(old?.probeFrom ?? Infinity, now + probeEvery) : Infinity
    // Most keys that callers make up never hear of any.
    if (this.#told === nothingTold) this.#told = new Map()
    this.#told.set(key, {
      key,
      name,
      window: windows[name],
      limit,
      refill,
      order,
      probeFrom,
      at: now,
      resetAt: now + resetMs,
      remaining: Math.min(
        most - (passed === undefined ? 0 : this.#askedSince(name, passed)),
        limit ?? Infinity,
      ),
      refused: undefined,
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
    for (const { key, probeFrom, order } of this.#told.values()) {
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
  words(now: number): VendorQuota[] {
    return [...this.#told.keys()].flatMap((key) => {
      const told = this.#current(key, now)
      if (told === undefined) return []
      const { name, limit, remaining, resetAt } = told
      return [
        { name, limit, remaining: Math.max(0, Math.floor(remaining)), resetMs: Math.max(0, resetAt - now) },
      ]
    })
  }

  /** Whether evicting it would change nothing for any call. */
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
    refresh(told, now)
    return told
  }

  /** How long a limit of the vendor's refuses such a call, in milliseconds. */
  #lasts(told: Told, cost: Cost, now: number, ahead?: Ahead, givenBack?: Ahead): number {
    const { name, limit, refill, resetAt, refused, window } = told
    if (now >= resetAt + (limit === undefined ? 0 : keptFor)) return 0
    const { of, ofAll } = window
    let asked = of(cost)
    // A pool that others use is hardly ever full: half of it is enough for a call that is estimated larger than all.
    if (limit !== undefined && asked > limit) asked = limit / 2
    const inFlight = name === 'outputTokensPerMinute' ? this.#output : 0
    asked += inFlight
    const again = refused !== undefined && asked >= refused.asked ? Math.max(0, refused.until - now) : 0
    if (ahead !== undefined) asked += ofAll(ahead)
    if (givenBack !== undefined)
      asked -= name === 'outputTokensPerMinute' ? Math.min(inFlight, ofAll(givenBack)) : ofAll(givenBack)
    const remaining = remainingAt(told, now)
    if (asked <= remaining) return again
    return Math.max(again, refill > 0 ? Math.ceil((asked - remaining) / refill) : resetAt - now)
  }

  #askedSince(name: WindowName, passed: Passed): number {
    if (name === 'outputTokensPerMinute') return 0
    if (name === 'inputTokensPerMinute') return this.#input - passed.input
    return this.#order - passed.order
  }
}

function remainingAt({ remaining, refill, at, limit }: Told, now: number): number {
  return Math.min(remaining + refill * Math.max(0, now - at), limit ?? Infinity)
}

/** Brings what is left up to now. */
function refresh(told: Told, now: number): void {
  told.remaining = remainingAt(told, now)
  told.at = Math.max(told.at, now)
}

export function keyOf(name: WindowName, periodMs: number | undefined): string {
  return periodMs === undefined ? keys[name] : `${name} ${periodMs}`
}

/** Of limits without a period, which most are: not put together for each answer. */
const keys: Readonly<Record<WindowName, string>> = {
  requestsPerSecond: 'requestsPerSecond ',
  requestsPerMinute: 'requestsPerMinute ',
  inputTokensPerMinute: 'inputTokensPerMinute ',
  outputTokensPerMinute: 'outputTokensPerMinute ',
}

/** On the mean, calls in flight have produced half of what they are expected to. */
export function expectedOutput(cost: Cost): number {
  return (cost.predicted ?? cost).outputTokens / 2
}

/** A limit that a call was too large for. */
interface Lacking {
  readonly key: string
  readonly asked: number
  readonly ms: number
}

/**
 * What a 429 closes: all calls of the group, or, where what is left explains it, those that ask as much as the one that was
 * refused.
 */
export function refusalOf(
  cost: Cost,
  { limits, closedMs }: VendorFeedback,
  maxRetryAfter: number,
): { readonly lacking: readonly Lacking[]; readonly closeMs: number | undefined } {
  if (closedMs === undefined) return { lacking: [], closeMs: undefined }
  const ms = Math.min(closedMs, maxRetryAfter)
  const lacking: Lacking[] = []
  if (ms <= probeEvery) {
    for (const { name, limit = Infinity, remaining, periodMs } of limits) {
      const asked = Math.min(windows[name].of(cost), limit)
      if (remaining - roundedBy(remaining) < asked) lacking.push({ key: keyOf(name, periodMs), asked, ms })
    }
  }
  return { lacking, closeMs: lacking.length > 0 ? undefined : ms }
}

/** By how much what is left may be less than a vendor says: Anthropic writes whole thousands of tokens. */
function roundedBy(remaining: number): number {
  return remaining > 0 && remaining % 1_000 === 0 ? 1_000 : 0
}

const second = 1_000
const minute = 60_000

/** Resets below this are mostly rounding, in milliseconds: vendors write whole seconds. */
const shortReset = 2_000

/**
 * How much is left, and what comes back in a millisecond. `(limit - remaining) / reset` says the latter, whatever the period;
 * where that comes to about a minute, it is one, and the difference is rounding. What is overdrawn is known by its reset alone.
 */
export function readWord({ limit, remaining, resetMs }: Omit<VendorLimit, 'dimension'>): {
  remaining: number
  refill: number
} {
  if (limit === undefined) return { remaining: resetMs > 0 ? remaining : Infinity, refill: 0 }
  if (resetMs <= 0) return { remaining: limit, refill: limit / minute }
  const used = Math.max(0, limit - remaining)
  if (remaining < 1 && resetMs > minute && resetMs <= 2 * minute)
    return { remaining: limit * (1 - resetMs / minute), refill: limit / minute }
  const period = (limit * resetMs) / used
  const tolerance = minute * (0.1 + second / resetMs)
  const isMinute = resetMs < shortReset || Math.abs(period - minute) < tolerance
  return { remaining, refill: isMinute || used === 0 ? limit / minute : used / resetMs }
}
