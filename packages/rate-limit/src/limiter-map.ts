import type { Clock } from '@spillway/middleware'
import { hash32 } from '@spillway/middleware/kit'
import type { Admission } from './admission.ts'
import type { WaitQueue } from './wait-queue.ts'

/** Makes what belongs to a key. */
export interface Parts {
  limiter(key: string): Admission
  queue(limiter: Admission): WaitQueue
}

interface Owner extends Parts {
  /** A key has a queue from now on. */
  waited(keyed: KeyedLimiter): void
}

/** The limits of one key, and where its calls wait. */
export class KeyedLimiter {
  readonly key: string
  readonly limiter: Admission
  readonly #owner: Owner
  #queue: WaitQueue | undefined = undefined
  /** Its place in the list of all. */
  place: number

  constructor(key: string, owner: Owner, place: number) {
    this.key = key
    this.limiter = owner.limiter(key)
    this.#owner = owner
    this.place = place
  }

  /** Made for the first call that waits: most keys never have one, and callers can make keys up. */
  get queue(): WaitQueue {
    if (this.#queue === undefined) {
      this.#queue = this.#owner.queue(this.limiter)
      this.#owner.waited(this)
    }
    return this.#queue
  }

  get waiting(): number {
    return this.#queue?.size ?? 0
  }

  get isBusy(): boolean {
    return this.limiter.inFlight > 0 || this.waiting > 0
  }
}

/** A map that grows is copied in one go, which takes 100 ms for a million keys: so there are several smaller ones. */
const shards = 64

/** All keys are looked at in so many milliseconds, if enough calls come. */
const sweepEvery = 30_000

/** With each call at least and at most so many keys are looked at that have to stay; a look takes about a microsecond. */
const fewest = 4
const most = 500

/** At least so many are evicted at a time, where so many can be. */
const freed = 50

/** Beyond the bound, so many keys are drawn to find one that has used little. */
const draws = 8

/**
 * Limits by key. A key is evicted when that changes nothing: nothing counts against its limits, and no call uses it. Each
 * call looks at a few keys for that, so that neither a timer nor a long sweep is needed.
 *
 * Beyond `maxKeys` a key has to be forgotten whose use still counts: of some that are drawn by lot the one that has used
 * least of its limits. So a key near a limit stays limited, and keys that are used in turn do not all push each other out.
 */
export class LimiterMap {
  readonly #owner: Owner
  readonly #maxKeys: number
  readonly #shards = Array.from({ length: shards }, () => new Map<string, KeyedLimiter>())
  readonly #list: KeyedLimiter[] = []
  readonly #withRooms = new Set<KeyedLimiter>()
  #last: KeyedLimiter | undefined
  #cursor = 0
  #sweptAt = -Infinity

  constructor(parts: Parts, maxKeys: number) {
    this.#owner = { ...parts, waited: (keyed) => this.#withRooms.add(keyed) }
    this.#maxKeys = maxKeys
  }

  get size(): number {
    return this.#list.length
  }

  /** How many calls wait. */
  get waiting(): number {
    let sum = 0
    for (const { waiting } of this.#withRooms) sum += waiting
    return sum
  }

  /** What there is already for a key. */
  find(key: string): KeyedLimiter | undefined {
    return this.#shardOf(key).get(key)
  }

  /** What there is for a key, made where there is nothing. */
  at(key: string, clock: Pick<Clock, 'now' | 'random'>): KeyedLimiter {
    if (this.#list.length > 1) this.#sweep(clock.now())
    if (this.#last?.key === key) return this.#last
    let keyed = this.find(key)
    if (keyed === undefined) {
      if (this.#list.length >= this.#maxKeys) this.#forgetLightest(clock)
      keyed = this.add(key)
    }
    this.#last = keyed
    return keyed
  }

  /** Adds a key that is not there. */
  add(key: string): KeyedLimiter {
    const keyed = new KeyedLimiter(key, this.#owner, this.#list.length)
    this.#list.push(keyed)
    this.#shardOf(key).set(key, keyed)
    return keyed
  }

  /** Opens what a vendor's 429 has closed: of a key, or of all. */
  open(key: string | undefined): void {
    const keys = key === undefined ? this.#list : [this.find(key)]
    for (const keyed of keys) keyed?.limiter.open()
  }

  /** Removes the listeners of all of them. */
  close(): void {
    for (const { limiter } of this.#list) limiter.close()
  }

  [Symbol.iterator](): IterableIterator<KeyedLimiter> {
    return this.#list.values()
  }

  #remove(keyed: KeyedLimiter): void {
    this.#shardOf(keyed.key).delete(keyed.key)
    this.#withRooms.delete(keyed)
    const last = this.#list.pop() as KeyedLimiter
    if (last !== keyed) {
      this.#list[keyed.place] = last
      last.place = keyed.place
    }
    if (this.#last === keyed) this.#last = undefined
    keyed.limiter.close()
  }

  #sweep(now: number): void {
    const due = (this.#list.length * (now - this.#sweptAt)) / sweepEvery
    const looks = Math.min(most, this.#list.length, Math.max(fewest, due))
    this.#sweptAt = now
    let stays = looks
    let goes = Math.max(freed, looks)
    while (stays > 0 && goes > 0 && this.#list.length > 1) {
      if (this.#cursor >= this.#list.length) this.#cursor = 0
      const keyed = this.#list[this.#cursor] as KeyedLimiter
      if (keyed.waiting > 0 || !keyed.limiter.isIdle(now)) {
        this.#cursor++
        stays--
      } else {
        // Another one is in its place then.
        this.#remove(keyed)
        goes--
      }
    }
  }

  /** Where calls use all that are drawn, one key more is kept: no more of them than calls. */
  #forgetLightest(clock: Pick<Clock, 'now' | 'random'>): void {
    const now = clock.now()
    let lightest: KeyedLimiter | undefined
    let least = Infinity
    for (let draw = 0; draw < draws && this.#list.length > 0; draw++) {
      const keyed = this.#list[Math.floor(clock.random() * this.#list.length)] as KeyedLimiter
      if (keyed.isBusy) continue
      const used = usedShare(keyed.limiter, now)
      if (used >= least) continue
      lightest = keyed
      least = used
    }
    if (lightest !== undefined) this.#remove(lightest)
  }

  #shardOf(key: string): Map<string, KeyedLimiter> {
    return this.#shards[hash32(key) & (shards - 1)] as Map<string, KeyedLimiter>
  }
}

/** How much of its limits a key has used, of the one that it has used most; 1 where the vendor has closed something. */
function usedShare(limiter: Admission, now: number): number {
  if (limiter.groups(now).some(({ closedMs }) => closedMs > 0)) return 1
  let share = 0
  for (const { used, limit } of Object.values(limiter.headroom(now))) share = Math.max(share, used / limit)
  return share
}
