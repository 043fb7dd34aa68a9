import type { Clock } from '@spillway/middleware'
import Queues, { type Entry } from 'bottleneck/lib/Queues.js'
import type { Ahead } from './limits.ts'

/** Whole numbers from 0, which goes first, to 9. */
const priorities = 10

/** What a call whose priority is not a number gets. */
const usualPriority = 5

/** Entries of calls that have left are removed when there are more of them than of those that wait, and than this. */
const fewLeft = 64

/** A call in the queue. */
export interface Queued {
  readonly options: { readonly priority: number }
  /** On `clock`. */
  readonly since: number
  readonly clock: Clock
  /** What it will take at least. */
  readonly least: { readonly inputTokens: number; readonly outputTokens: number }
  hasLeft: boolean
}

interface Sum {
  calls: number
  inputTokens: number
  outputTokens: number
}

/** The priority that a call is queued with: a whole number from 0 to 9. */
export function priorityOf(asked: number): number {
  const whole = Math.round(asked)
  return Number.isNaN(whole) ? usualPriority : Math.min(priorities - 1, Math.max(0, whole))
}

/**
 * Calls in the order of priority and arrival, kept by bottleneck's queues; and by age, which makes a call go ahead of
 * better priorities in the end. Everything but `others` takes the same time however many wait: within a priority the
 * oldest is first, so only ten have to be compared. Bottleneck cannot remove an entry from the middle; those that have left are
 * skipped.
 */
export class WaitingQueue<T extends Queued> {
  readonly #ageing: number
  /** Made for the first call that waits: most keys never have one, and callers can make keys up. */
  #queues: Queues<T> | undefined
  /** For each priority. */
  readonly #ahead: Sum[] = []
  #size = 0
  #left = 0
  /** What `others` was last asked in, and how many it has looked at since then. */
  #round = 0
  #looked = 0
  /** Where `others` goes on next time, where not all could be looked at. */
  #cursor: { priority: number; entry: Entry<T> | null } | undefined

  /** @param ageing a call that has waited so long goes one priority ahead, in milliseconds */
  constructor(ageing: number) {
    this.#ageing = Math.max(ageing, Number.EPSILON)
  }

  get size(): number {
    return this.#size
  }

  push(call: T): void {
    this.#queues ??= new Queues<T>(priorities)
    this.#queues.push(call)
    this.#size++
    this.#count(call, 1)
  }

  /** A call leaves, admitted or not. */
  leave(call: T): void {
    if (call.hasLeft) return
    call.hasLeft = true
    this.#size--
    this.#left++
    this.#count(call, -1)
    if (this.#size === 0) {
      this.#queues = undefined
      this.#cursor = undefined
      this.#left = 0
    } else if (this.#left > Math.max(fewLeft, this.#size)) this.#clear()
  }

  /** What ranks lower goes first. */
  rank({ options, clock, since }: Pick<T, 'options' | 'clock' | 'since'>): number {
    return options.priority - (clock.now() - since) / this.#ageing
  }

  /** Whose turn it is. */
  first(): T | undefined {
    let first: T | undefined
    let best = Infinity
    for (const list of this.#queues?._lists ?? []) {
      while (list.first()?.hasLeft) {
        list.shift()
        this.#left--
      }
      const oldest = list.first()
      if (oldest === undefined) continue
      const rank = this.rank(oldest)
      if (rank < best) {
        first = oldest
        best = rank
      }
    }
    return first
  }

  /**
   * Others than the first, in the order of priority and arrival: all of them, or where more wait than `most`, the first
   * so many and as many others, which are different ones each time.
   * @param round changes when those that were looked at before should be looked at again
   * @returns `isAll`: whether all were looked at in this round
   */
  others(first: T, most: number, round: number): { readonly calls: readonly T[]; readonly isAll: boolean } {
    if (round !== this.#round) this.#looked = 0
    this.#round = round
    this.#looked += most
    const others: T[] = []
    const collect = (from: { priority: number; entry: Entry<T> | null } | undefined, until: number) => {
      const lists = this.#queues?._lists ?? []
      let looked = 0
      for (let priority = from?.priority ?? 0; priority < priorities; priority++) {
        let entry = priority === from?.priority ? from.entry : (lists[priority]?._first ?? null)
        for (; entry !== null; entry = entry.next) {
          if (looked++ === until) return { priority, entry }
          if (entry.value !== first && !entry.value.hasLeft) others.push(entry.value)
        }
      }
      return undefined
    }
    const rest = collect(undefined, most)
    if (rest !== undefined) this.#cursor = collect(this.#cursor ?? rest, most)
    return { calls: others, isAll: rest === undefined || this.#looked + most >= this.#size + this.#left }
  }

  /** What those take at least that go before a call with this priority. */
  ahead(priority: number): Ahead {
    const sum = { calls: 0, inputTokens: 0, outputTokens: 0 }
    for (const [other, { calls, inputTokens, outputTokens }] of this.#ahead.entries()) {
      if (other > priority) break
      sum.calls += calls
      sum.inputTokens += inputTokens
      sum.outputTokens += outputTokens
    }
    return sum
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const list of this.#queues?._lists ?? []) {
      for (let entry = list._first; entry !== null; entry = entry.next) {
        if (!entry.value.hasLeft) yield entry.value
      }
    }
  }

  #count({ options, least }: T, sign: 1 | -1): void {
    if (this.#ahead.length === 0) {
      for (let priority = 0; priority < priorities; priority++)
        this.#ahead.push({ calls: 0, inputTokens: 0, outputTokens: 0 })
    }
    const sum = this.#ahead[options.priority] as Sum
    sum.calls += sign
    sum.inputTokens += sign * least.inputTokens
    sum.outputTokens += sign * least.outputTokens
  }

  /** Keeps the entries of those that wait. */
  #clear(): void {
    const kept = new Queues<T>(priorities)
    for (const call of this) kept.push(call)
    this.#queues = kept
    this.#left = 0
    this.#cursor = undefined
  }
}
