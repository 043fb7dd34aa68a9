import { formatDuration } from '../config/duration.ts'
import type { AnsweredCall } from '../server/handle-call.ts'

/** What was served, by one process or several. */
export interface TallyCounts {
  readonly calls: number
  readonly failed: number
  readonly fallbacks: number
  /** Requests that reached no route. */
  readonly refused: number
  /** By target. */
  readonly targets: Readonly<Record<string, number>>
}

/** What a gateway has served, for the summary at its end. */
export class Tally {
  #calls = 0
  #failed = 0
  #fallbacks = 0
  #refused = 0
  /** By target: as many as the configuration has. */
  readonly #targets = new Map<string, number>()

  get counts(): TallyCounts {
    return {
      ...{ calls: this.#calls, failed: this.#failed, fallbacks: this.#fallbacks },
      ...{ refused: this.#refused, targets: Object.fromEntries(this.#targets) },
    }
  }

  /** Adds what another process has served. */
  merge({ calls, failed, fallbacks, refused, targets }: TallyCounts): void {
    this.#calls += calls
    this.#failed += failed
    this.#fallbacks += fallbacks
    this.#refused += refused
    for (const [target, count] of Object.entries(targets))
      this.#targets.set(target, (this.#targets.get(target) ?? 0) + count)
  }

  add({ response, record }: AnsweredCall): void {
    this.#calls++
    if (response.failure !== undefined) {
      this.#failed++
      return
    }
    const target = response.target ?? 'spillway'
    this.#targets.set(target, (this.#targets.get(target) ?? 0) + 1)
    if (record.fallback(response.target) !== undefined) this.#fallbacks++
  }

  refuse(): void {
    this.#refused++
  }

  facts(uptimeMs: number): Record<string, unknown> {
    return { event: 'summary', ...this.counts, uptimeMs }
  }

  line(uptimeMs: number): string {
    const calls = `${this.#calls} ${this.#calls === 1 ? 'call' : 'calls'} in ${formatDuration(uptimeMs)}`
    const refused = this.#refused === 0 ? [] : [`${this.#refused} refused`]
    if (this.#calls === 0) return [`served ${calls}`, ...refused].join(', ')
    const by = [...this.#targets].map(([target, count]) => `${target} ${count}`)
    const parts = [`${this.#failed} failed`, `${this.#fallbacks} by a fallback`]
    return `served ${calls}: ${[...by, ...parts, ...refused].join(', ')}`
  }
}
