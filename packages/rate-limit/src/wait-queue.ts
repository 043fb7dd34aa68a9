import type { Clock } from '@spillway/middleware'
import type { Admission, Lease } from './admission.ts'
import { ifWanted } from './if-wanted.ts'
import type { Cost } from './limits.ts'
import { NextLook } from './next-look.ts'
import { freeOf, isWithin, passable, sizeOf } from './passing.ts'
import { leftOf, type TurnedAway, type Waiter, type WaitingCall } from './waiting-call.ts'
import { WaitingLanes } from './waiting-lanes.ts'
import { priorityOf } from './waiting-queue.ts'

export interface WaitQueueOptions {
  /** How many calls wait at most. */
  readonly maxQueued: number
  /**
   * A call that has waited so long goes one priority ahead, in milliseconds, so that none waits for ever. Calls that pass
   * another one delay it by no more than that.
   */
  readonly ageing: number
}

/** How many calls are looked at in one turn from the first on, and as many of the others, for some that can pass it. */
const mostLooked = 64

/** How many refusals one turn takes of limits that have to be asked elsewhere. */
const mostRefused = 4

/** After how many milliseconds limits that are counted elsewhere are asked again where the wait is unknown. */
const askAgain = 50

/**
 * Where calls wait for capacity. Bottleneck's queues keep their order; all times and timers are of the calls' clocks.
 *
 * Calls of each limit group queue by themselves: they have nothing in common but the places. Of a group, whoever is first
 * by priority and age is admitted as soon as the limits allow it. While it is blocked, later calls pass it where that does
 * no harm: it is known when the windows will have capacity for it, and calls that pass it may together put that off by `ageing` at most, and not beyond its patience. A call that waits for others to settle has no such time;
 * it can be passed for the first part of its patience, by calls that leave capacity for it once all have settled.
 */
export class WaitQueue {
  readonly #limiter: Admission
  readonly #options: WaitQueueOptions
  readonly #lanes: WaitingLanes
  #size = 0
  #isServing = false
  /** Whether limits that are counted elsewhere are asked on behalf of a call that waits. */
  #isAsking = false
  /** Whether something has changed while calls were served. */
  #hasChanged = false
  /** Changes with whatever may let a call pass that could not before. */
  #round = 0
  readonly #nextLook = new NextLook((isSameRound) => {
    if (!isSameRound) this.#round++
    this.#serve()
  })
  #stopListening: (() => void) | undefined

  constructor(limiter: Admission, options: WaitQueueOptions) {
    this.#limiter = limiter
    this.#options = options
    this.#lanes = new WaitingLanes(options.ageing)
  }

  /** How many calls wait. */
  get size(): number {
    return this.#size
  }

  /**
   * Waits for capacity. Turns a call away at once where too many wait, or where its patience would surely not last.
   * @throws the signal's reason when the caller leaves
   */
  async enter(call: WaitingCall): Promise<Lease | TurnedAway> {
    call.signal?.throwIfAborted()
    const answer = this.#passAtOnce(call)
    const lease = answer instanceof Promise ? await ifWanted(answer, call) : answer
    if (lease !== undefined) return lease
    if (this.#size >= this.#options.maxQueued) {
      return { reason: 'full', retryAfterMs: this.#retryAfter(call) }
    }
    const wait = this.waitFor(call)
    if (wait > leftOf(call)) return { reason: 'too_long', retryAfterMs: wait }
    return new Promise((resolve, reject) => this.#add(call, resolve, reject))
  }

  /** Milliseconds that a call with this cost and priority would wait at the least: if all in flight settled now. */
  waitFor({ cost, priority, clock }: Pick<WaitingCall, 'cost' | 'priority' | 'clock'>): number {
    return this.#limiter.soonest(cost, clock.now(), this.#lanes.laneOf(cost)?.ahead(priorityOf(priority)))
  }

  /** When the windows have capacity for such a call, whatever those in flight take. */
  #retryAfter({ cost, priority, clock }: WaitingCall): number {
    const ahead = this.#lanes.laneOf(cost)?.ahead(priorityOf(priority))
    return Math.max(1, this.#limiter.timeUntil(cost, clock.now(), ahead))
  }

  #add(
    call: WaitingCall,
    resolve: (turn: Lease | TurnedAway) => void,
    reject: (error: unknown) => void,
  ): void {
    const { clock, signal, holdsFor = Infinity } = call
    const left = leftOf(call)
    const isOutdated = holdsFor < left
    const now = clock.now()
    const end = (): void => {
      if (waiter.hasLeft) return
      lane.leave(waiter)
      this.#size--
      cancelTimer()
      signal?.removeEventListener('abort', leave)
      if (lane.size === 0) this.#lanes.drop(lane)
      if (this.#size === 0) this.#rest()
      else if (waiter.isBlocked) this.#nextLook.in(0, clock)
    }
    const lane = this.#lanes.laneOf(call.cost) ?? this.#lanes.make(call.cost)
    const waiter: Waiter = {
      ...call,
      options: { priority: priorityOf(call.priority) },
      since: call.since ?? now,
      least: this.#leastOf(call.cost, now),
      lane,
      hasLeft: false,
      isBlocked: false,
      sureAt: Infinity,
      passedSince: undefined,
      fail(error) {
        end()
        reject(error)
      },
      admit(lease) {
        end()
        resolve(lease)
      },
    }
    const leave = (): void => waiter.fail(signal?.reason)
    const giveUp = (): void => {
      end()
      resolve({ reason: isOutdated ? 'outdated' : 'impatient', retryAfterMs: this.#retryAfter(call) })
    }
    // A fraction more, so that it is over by any sum.
    const cancelTimer = clock.setTimer(isOutdated ? Math.max(1, Math.ceil(holdsFor)) : left, () => {
      if (isOutdated) return giveUp()
      // Its time may have come in this very moment.
      const isDue = lane.first() === waiter && this.#limiter.timeUntil(call.cost, clock.now()) === 0
      const answer = isDue ? this.#limiter.tryAcquire(call.cost, clock.now()) : undefined
      if (answer instanceof Promise) answer.then((lease) => (lease ? this.#deliver(waiter, lease) : giveUp()))
      else if (answer !== undefined) this.#deliver(waiter, answer)
      else giveUp()
    })
    signal?.addEventListener('abort', leave)
    lane.push(waiter)
    this.#size++
    this.#stopListening ??= this.#limiter.onRelease(() => {
      this.#round++
      this.#serve()
    })
    if (lane.first() === waiter) this.#serve()
    // It may fit before the first one does.
    else this.#wakeFor(call.cost, clock)
  }

  /** A call larger than a limit takes the limit. */
  #leastOf({ predicted, group = '' }: Cost, now: number): Waiter['least'] {
    const { inputTokensPerMinute, outputTokensPerMinute } = this.#limiter.headroom(now, group)
    const { inputTokens = 0, outputTokens = 0 } = predicted ?? {}
    return {
      inputTokens: Math.min(inputTokens, inputTokensPerMinute?.limit ?? Infinity),
      outputTokens: Math.min(outputTokens, outputTokensPerMinute?.limit ?? Infinity),
    }
  }

  /** Admits a call that comes while others wait, if it goes before them or can pass them. */
  #passAtOnce(call: WaitingCall): Lease | undefined | Promise<Lease | undefined> {
    // Limits that are counted elsewhere are asked one after the other while calls wait.
    if (this.#size === 0 || this.#nextLook.isPaused || this.#isAsking) return undefined
    const lane = this.#lanes.laneOf(call.cost)
    const first = lane?.first()
    const now = call.clock.now()
    const options = { priority: priorityOf(call.priority) }
    const isFirst =
      lane === undefined ||
      first === undefined ||
      lane.rank({ options, clock: call.clock, since: call.since ?? now }) < lane.rank(first)
    if (isFirst) return this.#limiter.tryAcquire(call.cost, now)
    const beside = passable(first, this.#limiter, this.#options.ageing)
    return beside && this.#limiter.tryAcquire(call.cost, now, beside)
  }

  /** Admits all that can be admitted. Runs once at a time, without a turn of the event loop where the limits need none. */
  async #serve(): Promise<void> {
    this.#hasChanged = true
    if (this.#isServing || this.#nextLook.isPaused) return
    this.#isServing = true
    try {
      while (this.#hasChanged && !this.#nextLook.isPaused) {
        this.#hasChanged = false
        this.#nextLook.cancel()
        await this.#serveAll()
      }
    } catch (error) {
      for (const waiter of this.#lanes.all()) waiter.fail(error)
    } finally {
      this.#isServing = false
    }
  }

  async #asked(answer: Promise<Lease | undefined>): Promise<Lease | undefined> {
    this.#isAsking = true
    const lease = await answer
    this.#isAsking = false
    return lease
  }

  /** Serves all groups once, those first whose first one goes before that of the others. */
  async #serveAll(): Promise<void> {
    for (const first of this.#lanes.firsts()) {
      let waiter: Waiter | undefined = first
      let wait = 0
      while (waiter !== undefined && !this.#nextLook.isPaused) {
        // Both of one time: the capacity may come between two looks at the clock, and would be taken for a lack of places.
        const now = waiter.clock.now()
        const answer = this.#limiter.tryAcquire(waiter.cost, now)
        const lease = answer instanceof Promise ? await this.#asked(answer) : answer
        if (lease === undefined) {
          const { cost } = waiter
          wait = answer instanceof Promise ? this.#waitElsewhere(waiter) : this.#limiter.timeUntil(cost, now)
          break
        }
        this.#deliver(waiter, lease)
        waiter = first.lane.first()
        // Another group's turn may have come.
        if (this.#lanes.size > 1) this.#hasChanged = true
        if (this.#hasChanged) return
      }
      if (waiter === undefined) continue
      if (this.#hasChanged || this.#nextLook.isPaused) return
      waiter.isBlocked = true
      // It lacks only a place, and so do all behind it.
      if (wait === 0) return
      const wakeAt = waiter.clock.now() + wait
      await this.#letPass(waiter)
      this.#nextLook.after(wakeAt - waiter.clock.now(), waiter.clock)
    }
  }

  /** How long to wait for limits that are counted elsewhere: what they have said may be over when the answer comes. */
  #waitElsewhere({ cost, clock }: Waiter): number {
    return this.#limiter.timeUntil(cost, clock.now()) || askAgain
  }

  /** Lets others of its group pass the first one. */
  async #letPass(first: Waiter): Promise<void> {
    const { lane, clock, cost } = first
    const freeNow = () => freeOf(this.#limiter.headroom(clock.now(), cost.group ?? ''))
    let free = freeNow()
    let smallest: Waiter | undefined
    let refused = 0
    const others = lane.others(first, mostLooked, this.#round)
    for (const waiter of others.calls) {
      if (waiter.hasLeft || this.#nextLook.isPaused) continue
      if (!isWithin(waiter.cost, free)) {
        if (smallest === undefined || sizeOf(waiter) < sizeOf(smallest)) smallest = waiter
        continue
      }
      const beside = passable(first, this.#limiter, this.#options.ageing)
      if (beside === undefined) break
      const answer = this.#limiter.tryAcquire(waiter.cost, waiter.clock.now(), beside)
      const lease = answer instanceof Promise ? await this.#asked(answer) : answer
      if (lease === undefined) {
        if (answer instanceof Promise && ++refused === mostRefused) break
        continue
      }
      this.#deliver(waiter, lease)
      this.#round++
      free = freeNow()
    }
    if (free !== undefined && !others.isAll) this.#nextLook.in(0, clock, 'same round')
    if (smallest !== undefined) this.#wakeFor(smallest.cost, clock)
  }

  #deliver(waiter: Waiter, lease: Lease): void {
    // It may have left while the limits were asked on its behalf.
    if (waiter.hasLeft) return lease.settle(undefined, waiter.clock.now())
    waiter.admit(lease)
    this.#nextLook.countAdmitted(waiter.clock, this.#size)
  }

  /** Serves again when the windows have capacity, or a closure may be tested; a release is heard of otherwise. */
  #wakeFor(cost: Cost, clock: Clock): void {
    const wait = this.#limiter.timeUntil(cost, clock.now())
    if (wait > 0) this.#nextLook.after(wait, clock)
  }

  /** The queue is empty. */
  #rest(): void {
    this.#nextLook.cancel()
    this.#stopListening?.()
    this.#stopListening = undefined
  }
}
