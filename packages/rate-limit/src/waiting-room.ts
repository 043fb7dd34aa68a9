import type { Clock } from '@spillway/middleware'
import Bottleneck from 'bottleneck'
import type { Admission, Lease } from './admission.ts'
import type { Cost } from './limits.ts'

/** A call that would like to wait. */
export interface WaitingCall {
  readonly cost: Cost
  /** 0 goes first, 9 last. */
  readonly priority: number
  /** How long it will wait at most, in milliseconds. */
  readonly patience: number
  readonly clock: Clock
  readonly signal: AbortSignal | undefined
}

export interface WaitingRoomOptions {
  /** How many calls wait at most. */
  readonly highWater: number
  /** A call that has waited so long goes one priority ahead, in milliseconds, so that none waits for ever. */
  readonly ageing: number
}

/** Why a call was not admitted, and when another one may be, in milliseconds. */
export interface TurnedAway {
  readonly reason: 'full' | 'too_long' | 'impatient'
  readonly retryAfterMs: number
}

interface Waiter extends WaitingCall {
  readonly since: number
  fail(error: unknown): void
  admit(lease: Lease): void
}

/**
 * Where calls wait for room. As long as anybody waits, a ticket is queued at a bottleneck that serves one at a time;
 * whoever is first by priority and age when its turn comes is the one it serves. So a call can leave at any moment
 * (bottleneck itself cannot cancel a job), and a thousand that leave leave no jobs behind that keep the process alive.
 */
export class WaitingRoom {
  readonly #limiter: Admission
  readonly #options: WaitingRoomOptions
  /** Made for the first call that waits: most keys never have one, and callers can make keys up. */
  #bottleneck: Bottleneck | undefined
  /** Whether a ticket is queued whose turn has not come. */
  #hasTicket = false
  readonly #waiters = new Set<Waiter>()
  #wake: (() => void) | undefined

  constructor(limiter: Admission, options: WaitingRoomOptions) {
    this.#limiter = limiter
    this.#options = options
  }

  /** How many calls wait. */
  get size(): number {
    return this.#waiters.size
  }

  /**
   * Waits for room. Turns a call away at once where the room is full, or where its patience would surely not last.
   * @throws the signal's reason when the caller leaves
   */
  enter(call: WaitingCall): Promise<Lease | TurnedAway> {
    if (call.signal?.aborted) return Promise.reject(call.signal.reason)
    const wait = this.waitFor(call)
    if (this.#waiters.size >= this.#options.highWater) {
      return Promise.resolve({ reason: 'full', retryAfterMs: Math.max(1, wait) })
    }
    if (wait > call.patience) return Promise.resolve({ reason: 'too_long', retryAfterMs: wait })
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#waiters.delete(waiter)
        cancelTimer()
        call.signal?.removeEventListener('abort', leave)
        this.#wake?.()
      }
      const waiter: Waiter = {
        ...call,
        since: call.clock.now(),
        fail(error) {
          end()
          reject(error)
        },
        admit(lease) {
          end()
          resolve(lease)
        },
      }
      const leave = (): void => waiter.fail(call.signal?.reason)
      const cancelTimer = call.clock.setTimer(call.patience, () => {
        end()
        resolve({ reason: 'impatient', retryAfterMs: Math.max(1, this.waitFor(call)) })
      })
      call.signal?.addEventListener('abort', leave)
      this.#waiters.add(waiter)
      this.#wake?.()
      this.#queueTicket()
    })
  }

  /** Milliseconds that a call with this cost and priority would wait, as far as the windows can tell. */
  waitFor({ cost, priority, clock }: Pick<WaitingCall, 'cost' | 'priority' | 'clock'>): number {
    const before: Cost[] = []
    for (const waiter of this.#waiters) if (waiter.priority <= priority) before.push(waiter.cost)
    return this.#limiter.timeUntil(cost, clock.now(), before)
  }

  #queueTicket(): void {
    if (this.#hasTicket || this.#waiters.size === 0) return
    this.#hasTicket = true
    this.#bottleneck ??= new Bottleneck({ maxConcurrent: 1 })
    const served = this.#bottleneck.schedule(() => {
      this.#hasTicket = false
      return this.#serve()
    })
    served.then(
      () => this.#queueTicket(),
      (error: unknown) => {
        for (const waiter of this.#waiters) waiter.fail(error)
      },
    )
  }

  async #serve(): Promise<void> {
    for (let waiter = this.#first(); waiter !== undefined; waiter = this.#first()) {
      const now = waiter.clock.now()
      const answer = this.#limiter.tryAcquire(waiter.cost, now)
      const lease = answer instanceof Promise ? await answer : answer
      if (lease !== undefined) {
        if (this.#waiters.has(waiter)) return waiter.admit(lease)
        // It has left while somebody was asked on its behalf.
        lease.settle(undefined, waiter.clock.now())
        continue
      }
      await this.#change(waiter.clock, this.#limiter.timeUntil(waiter.cost, now))
    }
  }

  #first(): Waiter | undefined {
    let first: Waiter | undefined
    let best = Infinity
    for (const waiter of this.#waiters) {
      const rank = waiter.priority - (waiter.clock.now() - waiter.since) / this.#options.ageing
      if (rank < best) {
        first = waiter
        best = rank
      }
    }
    return first
  }

  /** Until a window has room (`ms`; 0 where only a place is missing), a call ends, or the waiters are others. */
  #change(clock: Clock, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancelTimer?.()
        stopListening()
        this.#wake = undefined
        resolve()
      }
      const cancelTimer = ms > 0 ? clock.setTimer(ms, done) : undefined
      const stopListening = this.#limiter.onRelease(done)
      this.#wake = done
    })
  }
}
