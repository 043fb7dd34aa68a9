/** A timer that waits in a {@link TimerQueue}. */
export interface QueuedTimer {
  readonly due: number
  readonly order: number
  readonly callback: () => void
  cancelled: boolean
}

/** Timers by due time; among equals the one set first comes first. A binary heap: storms set millions. */
export class TimerQueue {
  readonly #heap: QueuedTimer[] = []
  #set = 0
  #pending = 0

  /** How many timers wait. */
  get pending(): number {
    return this.#pending
  }

  /** Adds a timer and returns what cancels it. */
  add(due: number, callback: () => void): () => void {
    const timer: QueuedTimer = { due, order: this.#set++, callback, cancelled: false }
    this.#pending++
    this.#push(timer)
    return () => {
      if (timer.cancelled) return
      timer.cancelled = true
      this.#pending--
    }
  }

  /** When the next timer is due; undefined when none waits. */
  nextDue(): number | undefined {
    while (this.#heap[0]?.cancelled) this.#pop()
    return this.#heap[0]?.due
  }

  /** Takes out the next timer. */
  take(): QueuedTimer | undefined {
    if (this.nextDue() === undefined) return undefined
    const timer = this.#pop() as QueuedTimer
    // From now on cancelling it changes nothing.
    timer.cancelled = true
    this.#pending--
    return timer
  }

  #push(timer: QueuedTimer): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(timer)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] as QueuedTimer
      if (!before(timer, above)) break
      heap[at] = above
      at = parent
    }
    heap[at] = timer
  }

  #pop(): QueuedTimer | undefined {
    const heap = this.#heap
    const top = heap[0]
    const last = heap.pop()
    if (top === undefined || last === undefined || heap.length === 0) return top
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1] as QueuedTimer, heap[child] as QueuedTimer))
        child++
      const below = heap[child] as QueuedTimer
      if (!before(below, last)) break
      heap[at] = below
      at = child
    }
    heap[at] = last
    return top
  }
}

function before(a: QueuedTimer, b: QueuedTimer): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order)
}
