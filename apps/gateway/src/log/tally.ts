import { formatDuration } from '../config/duration.ts'
import type { AnsweredCall } from '../server/handle-call.ts'

/** What a gateway has served, for the summary at its end. */
export class Tally {
  #calls = 0
  #failed = 0
  #fallbacks = 0
  /** Requests that reached no route. */
  #refused = 0
  /** By target: as many as the configuration has. */
  readonly #targets = new Map<string, number>()

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
    const counts = {
      ...{ calls: this.#calls, failed: this.#failed, fallbacks: this.#fallbacks },
      refused: this.#refused,
    }
    return { event: 'summary', ...counts, targets: Object.fromEntries(this.#targets), uptimeMs }
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
