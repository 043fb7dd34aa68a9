import type { Verdict } from './verdict.ts'

/** A call that tests whether the endpoint is back. */
export interface Probe {
  readonly deadline: number
  /** Whether its answer has begun. */
  hasContent: boolean
  /** Whether it has had its say. */
  isCounted: boolean
}

export type ProbeDecision = 'probes_succeeded' | 'probes_failed' | 'probes_slow'

export interface ProbeGateOptions {
  readonly halfOpenProbes: number
  readonly probeTimeout: number
  readonly failureRate: number
  readonly slowCallRate: number
}

/**
 * Lets so many probes pass, at a time and in all, and decides as soon as their results leave no doubt: what the rates
 * say of all of them. A probe that says nothing about the endpoint releases its slot.
 */
export class ProbeGate {
  readonly #options: ProbeGateOptions
  readonly #inFlight = new Set<Probe>()
  readonly #tooManyFailures: number
  readonly #tooManySlow: number
  #results = 0
  #failures = 0
  #slow = 0

  constructor(options: ProbeGateOptions) {
    this.#options = options
    this.#tooManyFailures = leastThatIs(options.failureRate, options.halfOpenProbes)
    this.#tooManySlow = leastThatIs(options.slowCallRate, options.halfOpenProbes)
  }

  get inFlight(): number {
    return this.#inFlight.size
  }

  get results(): { readonly calls: number; readonly failures: number; readonly slow: number } {
    return { calls: this.#results, failures: this.#failures, slow: this.#slow }
  }

  get hasRoom(): boolean {
    return this.#inFlight.size + this.#results < this.#options.halfOpenProbes
  }

  enter(now: number): Probe {
    const probe = { deadline: now + this.#options.probeTimeout, hasContent: false, isCounted: false }
    this.#inFlight.add(probe)
    return probe
  }

  /** A probe is over; without a verdict it says nothing. One that was overdue still has its say. */
  settle(probe: Probe, verdict: Verdict | undefined): ProbeDecision | undefined {
    this.#inFlight.delete(probe)
    return verdict === undefined || probe.isCounted ? undefined : this.#count(verdict)
  }

  /** Takes the overdue out: those whose content flows have shown that the endpoint is back. */
  expire(now: number): ProbeDecision | undefined {
    for (const probe of this.#inFlight) {
      if (now < probe.deadline) continue
      this.#inFlight.delete(probe)
      if (!probe.hasContent) continue
      probe.isCounted = true
      const decision = this.#count({ failed: false, slow: undefined })
      if (decision !== undefined) return decision
    }
    return undefined
  }

  #count({ failed, slow }: Verdict): ProbeDecision | undefined {
    this.#results++
    if (failed) this.#failures++
    if (slow) this.#slow++
    if (this.#failures >= this.#tooManyFailures) return 'probes_failed'
    if (this.#slow >= this.#tooManySlow) return 'probes_slow'
    const left = this.#options.halfOpenProbes - this.#results
    const isCertain = this.#failures + left < this.#tooManyFailures && this.#slow + left < this.#tooManySlow
    return isCertain ? 'probes_succeeded' : undefined
  }
}

function leastThatIs(rate: number, of: number): number {
  return Math.max(1, Math.ceil(rate * of - 1e-9))
}
