import type { FuzzCase } from './fuzz-case.ts'
import type { Received } from './upstream.ts'

/** A case that is running, or has just ended. */
export interface RunningCase {
  readonly fuzzCase: FuzzCase
  readonly received: Received[]
  /** In milliseconds since the Unix epoch. */
  readonly startedAt: number
  endedAt: number | undefined
}

/** Ended cases are known for as many further ones: attempts that were cancelled and mirrors come late. */
const remembered = 4_000

/** The cases that run, and those that ran a moment ago. */
export class InFlight {
  readonly #cases: Map<number, RunningCase> = new Map()

  begin(fuzzCase: FuzzCase): RunningCase {
    const running = { fuzzCase, received: [], startedAt: now(), endedAt: undefined }
    this.#cases.delete(fuzzCase.index)
    this.#cases.set(fuzzCase.index, running)
    if (this.#cases.size > remembered) {
      for (const [index, { endedAt }] of this.#cases) {
        if (endedAt !== undefined) this.#cases.delete(index)
        if (this.#cases.size <= remembered / 2) break
      }
    }
    return running
  }

  get(index: number | undefined): RunningCase | undefined {
    return index === undefined ? undefined : this.#cases.get(index)
  }

  /** The cases that ran at some time between two. */
  between(from: number, to: number): RunningCase[] {
    return [...this.#cases.values()].filter(
      ({ startedAt, endedAt }) => startedAt <= to && (endedAt === undefined || endedAt >= from),
    )
  }
}

/** Milliseconds since the Unix epoch, with fractions, as the monitor in the gateway has them. */
export function now(): number {
  return performance.timeOrigin + performance.now()
}
