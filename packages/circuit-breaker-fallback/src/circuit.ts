import type { ModelRequest } from '@spillway/middleware'
import { TypicalDuration } from '@spillway/wire/internal'
import type { CircuitBreakerSettings } from './circuit-breaker-options.ts'
import { type Probe, type ProbeDecision, ProbeGate } from './probe-gate.ts'
import { RollingWindow } from './rolling-window.ts'
import type { Verdict } from './verdict.ts'

export type CircuitState = 'closed' | 'open' | 'half_open'

/** Why a circuit changed its state. */
export type ChangeReason =
  | 'failure_rate'
  | 'slow_call_rate'
  | 'open_for_over'
  | ProbeDecision
  | 'shared'
  | 'forced'
  | 'released'

/** Calls that were let through, and how they are judged. A new one with each change: an old one is heard no more. */
type Phase =
  | { readonly state: 'closed'; readonly failures: RollingWindow; readonly slow: RollingWindow | undefined }
  | { readonly state: 'open'; readonly until: number }
  | { readonly state: 'half_open'; readonly gate: ProbeGate }
  | { readonly state: 'open' | 'closed'; readonly isForced: true }

/** Leave to make one call; {@link Circuit.settle} gives it back. */
export interface Permit {
  readonly phase: object
  readonly probe: Probe | undefined
}

export interface Refusal {
  /** When a call may be let through again; undefined when unknown. */
  readonly retryAfterMs: number | undefined
}

/** What can be read of a circuit; times in clock time. */
export interface CircuitReading {
  readonly state: CircuitState
  readonly isForced: boolean
  readonly since: number
  readonly until: number | undefined
  readonly calls: number
  readonly failures: number
  readonly slowCalls: number
  readonly slowCallsOf: number
  readonly probes: number
}

export type OnChange = (
  change: { readonly from: CircuitState; readonly to: CircuitState; readonly reason: ChangeReason },
  /** The request that caused it, where one did. */
  cause: ModelRequest | undefined,
) => void

const noRoom: Refusal = { retryAfterMs: undefined }

/** One circuit: its state, and every change of it. Data and time come in, decisions go out; it sets no timer. */
export class Circuit {
  /** How many calls it has refused. */
  refused = 0
  /** How long its healthy answers take to begin. */
  readonly usual: TypicalDuration = new TypicalDuration()
  readonly #settings: CircuitBreakerSettings
  readonly #onChange: OnChange
  #phase: Phase
  #permit: Permit
  #since: number

  constructor(settings: CircuitBreakerSettings, now: number, onChange: OnChange) {
    this.#settings = settings
    this.#onChange = onChange
    this.#since = now
    this.#phase = this.#closed(now)
    this.#permit = { phase: this.#phase, probe: undefined }
  }

  get state(): CircuitState {
    return this.#phase.state
  }

  get isForced(): boolean {
    return 'isForced' in this.#phase
  }

  /** Why no call may pass now; undefined when one may. */
  refusal(now: number, cause: ModelRequest | undefined): Refusal | undefined {
    if (this.#phase.state === 'closed') return undefined
    if ('until' in this.#phase) {
      const { until } = this.#phase
      if (now < until) return { retryAfterMs: until - now }
      this.#move(this.#halfOpen(), 'open_for_over', now, cause)
    }
    this.refresh(now, cause)
    const phase = this.#phase as Phase
    if (phase.state === 'closed') return undefined
    return 'gate' in phase && phase.gate.hasRoom ? undefined : noRoom
  }

  /** Lets a call pass; only where nothing speaks against it. */
  enter(now: number): Permit {
    if (!('gate' in this.#phase)) return this.#permit
    return { phase: this.#phase, probe: this.#phase.gate.enter(now) }
  }

  /** A call is over; without a verdict it says nothing. What was let through before a change alters nothing. */
  settle(permit: Permit, verdict: Verdict | undefined, now: number, cause: ModelRequest | undefined): void {
    const phase = this.#phase
    if (permit.phase !== phase) return
    if ('gate' in phase) this.#decide(phase.gate.settle(permit.probe as Probe, verdict), now, cause)
    else if ('failures' in phase && verdict !== undefined) {
      if (phase.failures.record(verdict.failed, now))
        this.#open(this.#settings.openFor, 'failure_rate', now, cause)
      else if (verdict.slow !== undefined && phase.slow?.record(verdict.slow, now))
        this.#open(this.#settings.openFor, 'slow_call_rate', now, cause)
    }
  }

  /** Has overdue probes judged. */
  refresh(now: number, cause: ModelRequest | undefined): void {
    if ('gate' in this.#phase) this.#decide(this.#phase.gate.expire(now), now, cause)
  }

  /** Opens for so many milliseconds because another process has; not where it is open or forced. */
  openAsOthers(ms: number, now: number): void {
    if (this.isForced || this.#phase.state === 'open') return
    this.#open(ms, 'shared', now, undefined)
  }

  force(state: 'open' | 'closed', now: number): void {
    this.#move({ state, isForced: true }, 'forced', now, undefined)
  }

  /** Ends {@link force}: what was open is tested first, what was closed starts afresh. */
  release(now: number): void {
    if (!this.isForced) return
    this.#move(this.state === 'open' ? this.#halfOpen() : this.#closed(now), 'released', now, undefined)
  }

  /** No call that is still in flight counts any more. */
  retire(): void {
    this.#leave()
    this.#phase = { state: 'closed', isForced: true }
  }

  read(now: number): CircuitReading {
    const phase = this.#phase
    const failures = 'failures' in phase ? phase.failures.counts(now) : undefined
    const slow = 'failures' in phase ? phase.slow?.counts(now) : undefined
    const probes = 'gate' in phase ? phase.gate.results : undefined
    return {
      state: phase.state,
      isForced: this.isForced,
      since: this.#since,
      until: 'until' in phase ? phase.until : undefined,
      calls: failures?.calls ?? probes?.calls ?? 0,
      failures: failures?.failures ?? probes?.failures ?? 0,
      slowCalls: slow?.failures ?? probes?.slow ?? 0,
      slowCallsOf: slow?.calls ?? probes?.calls ?? 0,
      probes: 'gate' in phase ? phase.gate.inFlight : 0,
    }
  }

  #decide(decision: ProbeDecision | undefined, now: number, cause: ModelRequest | undefined): void {
    if (decision === undefined) return
    if (decision === 'probes_succeeded') this.#move(this.#closed(now), decision, now, cause)
    else this.#open(this.#settings.openFor, decision, now, cause)
  }

  #open(ms: number, reason: ChangeReason, now: number, cause: ModelRequest | undefined): void {
    this.#move({ state: 'open', until: now + ms }, reason, now, cause)
  }

  #closed(now: number): Phase {
    const { window, minimumCalls, failureRate, slowCallThreshold, slowCallRate } = this.#settings
    return {
      state: 'closed',
      failures: new RollingWindow({ window, minimumCalls, rate: failureRate }, now),
      slow:
        slowCallThreshold === Infinity
          ? undefined
          : new RollingWindow({ window, minimumCalls, rate: slowCallRate }, now),
    }
  }

  #halfOpen(): Phase {
    return { state: 'half_open', gate: new ProbeGate(this.#settings) }
  }

  #move(phase: Phase, reason: ChangeReason, now: number, cause: ModelRequest | undefined): void {
    const from = this.#phase.state
    this.#leave()
    this.#phase = phase
    this.#permit = { phase, probe: undefined }
    this.#since = now
    this.#onChange({ from, to: phase.state, reason }, cause)
  }

  #leave(): void {
    if (!('failures' in this.#phase)) return
    this.#phase.failures.close()
    this.#phase.slow?.close()
  }
}
