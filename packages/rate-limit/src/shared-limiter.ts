import type { VendorLimit } from '@spillway/wire'
import type { Admission, Beside, GroupState, Headroom, Lease } from './admission.ts'
import { LimitGroups } from './limit-groups.ts'
import { type Ahead, type Cost, checkLimits, type WindowName } from './limits.ts'
import type { Seats, SharedKey } from './shared-books.ts'
import { SharedGroup } from './shared-group.ts'

/**
 * The limits of one key over all processes. While Redis answers, it decides. While it does not, this process admits its
 * share (one in as many as there are processes) of what was left by Redis's last word, and of what becomes free; it
 * reports that when Redis is back.
 */
export class SharedLimiter implements Admission {
  readonly #groups: LimitGroups<SharedGroup>
  readonly #seats: Seats = { held: 0, places: Infinity }
  readonly #concurrency: number
  /** Calls that Redis is being asked about. */
  #asked = 0
  /** Undefined until a call waits. */
  #onRelease: Set<() => void> | undefined = undefined

  constructor(of: SharedKey) {
    checkLimits(of.limits)
    this.#concurrency = of.limits.concurrency ?? Infinity
    const released = (): void => {
      for (const callback of this.#onRelease ?? []) callback()
    }
    const isAwaited = (): boolean => (this.#onRelease?.size ?? 0) > 0
    this.#groups = new LimitGroups(
      (group) => new SharedGroup({ ...of, group }, this.#seats, released, isAwaited),
    )
  }

  /** Those that Redis is being asked about are on their way. */
  get inFlight(): number {
    return this.#seats.held + this.#asked
  }

  tryAcquire(cost: Cost, now: number, beside?: Beside): Lease | undefined | Promise<Lease | undefined> {
    const answer = this.#groups.for(cost.group ?? '', now).tryAcquire(cost, now, beside)
    if (!(answer instanceof Promise)) return answer
    this.#asked++
    return answer.finally(() => {
      this.#asked--
    })
  }

  timeUntil(cost: Cost, now: number, ahead?: Ahead): number {
    return this.#groups.for(cost.group ?? '', now).timeUntil(cost, now, ahead)
  }

  soonest(cost: Cost, now: number, ahead?: Ahead): number {
    return this.#groups.for(cost.group ?? '', now).soonest(cost, now, ahead)
  }

  onRelease(callback: () => void): () => void {
    this.#onRelease ??= new Set()
    const callbacks = this.#onRelease
    callbacks.add(callback)
    return () => {
      callbacks.delete(callback)
      if (callbacks.size === 0) for (const [, group] of this.#groups) group.rest()
    }
  }

  closeUntil(at: number, now: number, group = ''): void {
    this.#groups.for(group, now).closeUntil(at, now)
  }

  open(): void {
    for (const [, group] of this.#groups) group.open()
  }

  learn(name: WindowName, vendor: Omit<VendorLimit, 'dimension'>, now: number, group = ''): void {
    this.#groups.for(group, now).learn(name, vendor, now)
  }

  headroom(now: number, group?: string): Headroom {
    const fullest: Record<string, { used: number; limit: number }> = {}
    const one = group === undefined ? undefined : this.#groups.for(group, now)
    for (const each of one === undefined ? [...this.#groups].map(([, shared]) => shared) : [one]) {
      for (const [name, room] of Object.entries(each.windows(now))) {
        if (room.used >= (fullest[name]?.used ?? 0)) fullest[name] = room
      }
    }
    const places = { concurrency: { used: this.#seats.held, limit: this.#concurrency } }
    return { ...fullest, ...(this.#concurrency === Infinity ? {} : places) }
  }

  groups(now: number): GroupState[] {
    return [...this.#groups].map(([group, shared]) => ({ group, ...shared.state(now) }))
  }

  /** While Redis answers it knows all; what this process has spent is kept in case that Redis loses it. */
  isIdle(now: number): boolean {
    return this.inFlight === 0 && this.#groups.areIdle(now)
  }

  close(): void {
    for (const [, group] of this.#groups) group.close()
  }
}
