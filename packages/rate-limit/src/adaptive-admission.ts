import type { Outcome } from '@spillway/middleware'
import type { Admission, Beside, GroupState, Headroom, Lease } from './admission.ts'
import { type AdaptiveConcurrencyOptions, adaptiveConcurrencyDefaults, Gradient } from './gradient.ts'
import type { Ahead, Cost } from './limits.ts'

type HowItEnded = Pick<Outcome, 'failure' | 'timings'>

/**
 * Wraps other limits and bounds the calls of this process in flight to what the upstream can take, by how long
 * their first tokens take.
 */
export class AdaptiveAdmission implements Admission {
  readonly #inner: Admission
  readonly #gradient: Gradient
  readonly #onRelease = new Set<() => void>()
  /** Calls in flight, and those that the inner limits are being asked for. */
  #taken = 0
  /** When a call asked last. */
  #askedAt = -Infinity
  readonly #measureEvery: number

  /** @throws RangeError for options out of range */
  constructor(inner: Admission, options: AdaptiveConcurrencyOptions) {
    this.#inner = inner
    this.#gradient = new Gradient(options)
    this.#measureEvery = options.measureEvery ?? adaptiveConcurrencyDefaults.measureEvery
  }

  get inFlight(): number {
    return this.#inner.inFlight
  }

  tryAcquire(cost: Cost, now: number, beside?: Beside): Lease | undefined | Promise<Lease | undefined> {
    this.#askedAt = now
    // A call that passes another one leaves a place for it.
    if (this.#taken + (beside === undefined ? 1 : 2) > this.#gradient.limit) return undefined
    const answer = this.#inner.tryAcquire(cost, now, beside)
    if (answer === undefined) return undefined
    this.#taken++
    if (answer instanceof Promise) return answer.then((lease) => this.#admit(lease, now))
    return this.#admit(answer, now)
  }

  #admit(lease: Lease | undefined, admittedAt: number): Lease | undefined {
    if (lease === undefined) {
      this.#free()
      return undefined
    }
    const inFlight = this.#taken
    let isOpen = true
    return {
      observe: (answer, now) => lease.observe?.(answer, now),
      settle: (actual, now, outcome) => {
        if (isOpen) {
          isOpen = false
          if (outcome !== undefined) this.#learn(outcome, admittedAt, inFlight, now)
          this.#taken--
        }
        lease.settle(actual, now, outcome)
      },
    }
  }

  #free(): void {
    this.#taken--
    for (const released of this.#onRelease) released()
  }

  #learn(outcome: HowItEnded, admittedAt: number, inFlight: number, now: number): void {
    const firstContentMs = outcome.timings.firstContent
    if (outcome.failure === undefined) this.#gradient.sample({ admittedAt, inFlight, firstContentMs }, now)
    else if (isOverload(outcome)) this.#gradient.drop(admittedAt, now)
  }

  timeUntil(cost: Cost, now: number, ahead?: Ahead): number {
    return this.#inner.timeUntil(cost, now, ahead)
  }

  soonest(cost: Cost, now: number, ahead?: Ahead): number {
    return this.#inner.soonest(cost, now, ahead)
  }

  onRelease(callback: () => void): () => void {
    const stop = this.#inner.onRelease(callback)
    this.#onRelease.add(callback)
    return () => {
      stop()
      this.#onRelease.delete(callback)
    }
  }

  closeUntil(...closure: Parameters<Admission['closeUntil']>): void {
    this.#inner.closeUntil(...closure)
  }

  open(): void {
    this.#inner.open()
  }

  learn(...said: Parameters<Admission['learn']>): void {
    this.#inner.learn(...said)
  }

  headroom(now: number, group?: string): Headroom {
    const inner = this.#inner.headroom(now, group)
    const limit = Math.min(this.#gradient.limit, inner.concurrency?.limit ?? Infinity)
    return { ...inner, concurrency: { used: this.#inner.inFlight, limit } }
  }

  groups(now: number): readonly GroupState[] {
    return this.#inner.groups(now)
  }

  /** What was found is old when it would have been measured again. */
  isIdle(now: number): boolean {
    return this.#taken === 0 && now - this.#askedAt >= this.#measureEvery && this.#inner.isIdle(now)
  }

  close(): void {
    this.#inner.close()
  }
}

/** Whether a failure says that the upstream has too much to do. One that comes after the first content does not. */
function isOverload({ failure, timings }: HowItEnded): boolean {
  if (failure?.kind === 'overloaded') return true
  if (failure?.kind === 'saturated') return failure.origin === 'upstream'
  return failure?.kind === 'timeout' && timings.firstContent === undefined
}
