import { EventEmitter } from 'node:events'
import Opossum from '#opossum'

export interface RollingWindowOptions {
  /** Its length in milliseconds. */
  readonly window: number
  readonly minimumCalls: number
  /** It trips when this share of the calls has failed; above 0, at most 1. */
  readonly rate: number
}

export interface WindowCounts {
  readonly calls: number
  readonly failures: number
}

/** In how many steps a window slides. */
const slots = 10

/** opossum asks for more than its threshold; a hair less makes that "as much or more". */
const hair = 1e-9

/** opossum's own, whose types leave it out. */
interface Statistics {
  increment(name: 'fires' | 'successes'): void
}

/**
 * The results of the calls of the last `window` milliseconds, and the judgement when too many have failed: opossum's
 * rolling statistics and its decision to open, and nothing else of it. Each result is fired when its call is over, so
 * that opossum counts beginning and end in the same slot. Time is given from outside: opossum's own timers never run.
 */
export class RollingWindow {
  readonly #opossum: Opossum<[], never>
  readonly #rotation = new EventEmitter()
  readonly #slot: number
  #nextSlot: number
  #isTripped = false

  constructor({ window, minimumCalls, rate }: RollingWindowOptions, now: number) {
    this.#slot = window / slots
    this.#nextSlot = now + this.#slot
    this.#opossum = new Opossum(fail, {
      timeout: false,
      rollingCountTimeout: window,
      rollingCountBuckets: slots,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      rotateBucketController: this.#rotation,
      volumeThreshold: minimumCalls,
      errorThresholdPercentage: rate * 100 - hair,
    })
    this.#opossum.on('open', () => {
      this.#isTripped = true
    })
  }

  /** Counts a call that is over. Returns true when too many have failed; the window is of no use any more then. */
  record(failed: boolean, now: number): boolean {
    this.#slide(now)
    // For speed: a success decides nothing, so it is counted without the five promises and the events of `fire`.
    if (!failed) {
      const statistics = this.#opossum.status as unknown as Statistics
      statistics.increment('fires')
      statistics.increment('successes')
      return this.#isTripped
    }
    // A failure that trips it does so before `fire` returns.
    this.#opossum.fire().catch(() => {})
    return this.#isTripped
  }

  counts(now: number): WindowCounts {
    this.#slide(now)
    // For speed: `stats` adds up a dozen figures and sorts latencies, and callers make up names of models, each with a window.
    let [calls, failed] = [0, 0]
    for (const { fires, failures } of this.#opossum.status.window) {
      calls += fires
      failed += failures
    }
    return { calls, failures: failed }
  }

  /** Stops what opossum set running when it tripped. */
  close(): void {
    this.#opossum.shutdown()
  }

  #slide(now: number): void {
    // Another clock than that of the calls may have been asked when the window was made.
    if (now < this.#nextSlot - this.#slot) this.#nextSlot = now + this.#slot
    if (now < this.#nextSlot) return
    const passed = Math.floor((now - this.#nextSlot) / this.#slot) + 1
    this.#nextSlot += passed * this.#slot
    // Latencies are collected even where percentiles are not used.
    for (const { latencyTimes } of this.#opossum.status.window) latencyTimes.length = 0
    for (let slot = 0; slot < Math.min(passed, slots); slot++) this.#rotation.emit('rotate')
  }
}

/** opossum's action. It throws at once, since a rejected promise would be counted only turns later. */
function fail(): never {
  throw new Error('the call has failed')
}
