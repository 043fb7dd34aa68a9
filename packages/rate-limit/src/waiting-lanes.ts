import type { Cost } from './limits.ts'
import type { Lane, Waiter } from './waiting-call.ts'
import { WaitingQueue } from './waiting-queue.ts'

/** Limit groups that have a queue each; callers choose the names of models. */
const mostLanes = 32

/** The queue of all further ones. It contains a space, which no group of one model does. */
const otherGroups = 'other models'

/** The queues in which calls wait, one for each limit group as far as there are not too many. */
export class WaitingLanes {
  readonly #ageing: number
  readonly #lanes = new Map<string, Lane>()

  /** @param ageing of each queue, in milliseconds */
  constructor(ageing: number) {
    this.#ageing = ageing
  }

  get size(): number {
    return this.#lanes.size
  }

  /** The queue of a call, where any waits in it. */
  laneOf({ group = '' }: Cost): Lane | undefined {
    return this.#lanes.get(group) ?? (this.#lanes.size < mostLanes ? undefined : this.#lanes.get(otherGroups))
  }

  make({ group = '' }: Cost): Lane {
    const lane: Lane = new WaitingQueue(this.#ageing)
    this.#lanes.set(this.#lanes.size < mostLanes ? group : otherGroups, lane)
    return lane
  }

  /** Forgets a queue in which none waits any more. */
  drop(lane: Lane): void {
    for (const [group, each] of this.#lanes) if (each === lane) this.#lanes.delete(group)
  }

  /** The first of each queue, those first that go before the others. */
  firsts(): Waiter[] {
    const firsts = [...this.#lanes.values()].flatMap((lane) => lane.first() ?? [])
    return firsts.length < 2
      ? firsts
      : firsts.sort((one, other) => one.lane.rank(one) - other.lane.rank(other))
  }

  all(): Waiter[] {
    return [...this.#lanes.values()].flatMap((lane) => [...lane])
  }
}
