import type { CallRow } from '@spillway/gateway-api'

interface Second {
  readonly at: number
  calls: number
  errors: number
  readonly targets: Map<string, number>
}

/** What the last minutes add up to. */
export interface Tallied {
  readonly calls: number
  readonly errors: number
  /** Calls by the target that answered, most first. */
  readonly targets: readonly (readonly [target: string, calls: number])[]
}

/**
 * Counts calls by the second and forgets those older than `windowMs`: so it takes the same memory for ten calls and for
 * ten million.
 */
export class Tally {
  readonly #windowMs: number
  #seconds: Second[] = []

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  /** Counts a call as of now, the moment it was heard of. */
  count(call: Pick<CallRow, 'failure' | 'target'>, now: number): void {
    const at = Math.floor(now / 1000) * 1000
    let second = this.#seconds.at(-1)
    if (second?.at !== at) {
      second = { at, calls: 0, errors: 0, targets: new Map() }
      this.#seconds.push(second)
      this.#forget(now)
    }
    second.calls++
    if (isError(call)) second.errors++
    else if (call.target !== null) second.targets.set(call.target, (second.targets.get(call.target) ?? 0) + 1)
  }

  sum(now: number): Tallied {
    this.#forget(now)
    const targets = new Map<string, number>()
    let calls = 0
    let errors = 0
    for (const second of this.#seconds) {
      calls += second.calls
      errors += second.errors
      for (const [target, count] of second.targets) targets.set(target, (targets.get(target) ?? 0) + count)
    }
    return { calls, errors, targets: [...targets].sort(([, a], [, b]) => b - a) }
  }

  #forget(now: number): void {
    this.#seconds = this.#seconds.filter(({ at }) => at > now - this.#windowMs)
  }
}

/** A caller who left is no error of anybody's. */
export function isError({ failure }: Pick<CallRow, 'failure'>): boolean {
  return failure !== null && failure !== 'cancelled'
}
