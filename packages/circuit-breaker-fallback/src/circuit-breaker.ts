import {
  type Clock,
  emit,
  type Failure,
  type Middleware,
  type ModelRequest,
  type ModelResponse,
  type Outcome,
  systemClock,
} from '@spillway/middleware'
import { failureResponse } from '@spillway/wire'
import { type ChangeReason, Circuit, type CircuitState, type Refusal } from './circuit.ts'
import { type CircuitBreakerOptions, settingsOf } from './circuit-breaker-options.ts'
import { SharedOpenings } from './shared-openings.ts'
import { type Verdict, verdictOnKey, verdictOnModel } from './verdict.ts'

/** What a circuit stands for: one model at an endpoint, or the endpoint's key. */
export type CircuitScope = 'model' | 'key'

/** A circuit has changed its state. */
export interface CircuitChange {
  /** Which circuit: a key of the option `key`, or {@link keyCircuit}. */
  readonly key: string
  readonly scope: CircuitScope
  readonly from: CircuitState
  readonly to: CircuitState
  readonly reason: ChangeReason
}

declare module '@spillway/middleware' {
  interface EventMap {
    /** A circuit has changed its state because of this call. */
    'circuit.changed': CircuitChange
  }
}

/** A circuit as it stands. Times in milliseconds since the Unix epoch. */
export interface BreakerState {
  readonly key: string
  readonly scope: CircuitScope
  readonly state: CircuitState
  /** Whether it stands so by {@link CircuitBreaker.forceOpen} or {@link CircuitBreaker.forceClosed}. */
  readonly forced: boolean
  readonly since: number
  /** When the first probe may pass; of a circuit that is open and not forced. */
  readonly nextProbeAt: number | undefined
  /** Calls that count: of the window, or the probes whose result is known. */
  readonly calls: number
  readonly failures: number
  /** 0 to 1; undefined without calls. */
  readonly failureRate: number | undefined
  readonly slowCalls: number
  /** 0 to 1; undefined without streams, or where slowness is not judged. */
  readonly slowCallRate: number | undefined
  /** Probes under way. */
  readonly probes: number
  /** Calls refused since the circuit is known. */
  readonly refused: number
}

/** A circuit breaker: the middleware, and what can be read and set. */
export interface CircuitBreaker {
  readonly middleware: Middleware
  /** All circuits, that of the endpoint's key first. */
  states(): readonly BreakerState[]
  /** Hears every change, whoever caused it. The listener must not throw. Returns what stops it. */
  onChange(listener: (change: CircuitChange) => void): () => void
  /** Has a circuit refuse everything until {@link release}; without a key all, also those still to come. */
  forceOpen(key?: string): void
  /** Has a circuit let everything pass, uncounted, until {@link release}; without a key all. */
  forceClosed(key?: string): void
  /** Back to automatic: a circuit forced open is half-open, one forced closed is closed with an empty window. */
  release(key?: string): void
  /** Leaves the shared store. There is nothing else to close. */
  close(): void
}

/** The circuit of the endpoint's key, in {@link BreakerState} and for {@link CircuitBreaker.forceOpen}. */
export const keyCircuit = '*'

/**
 * Stops asking an endpoint that fails: when too many of the last calls have failed, calls are refused at once
 * (`circuit_open`: never retried, and handed to a fallback at once) until the time is over, and a few probes have shown
 * that it is back. One circuit for each model, and one for the endpoint's key.
 *
 * A call counts at its `outcome`, so that a stream which dies half-way is a failure.
 * @throws RangeError for options out of range
 */
export function circuitBreaker(options: CircuitBreakerOptions = {}): Middleware {
  return createCircuitBreaker(options).middleware
}

/** The same, for those who want to look inside or take the handle. */
export function createCircuitBreaker(options: CircuitBreakerOptions = {}): CircuitBreaker {
  const settings = settingsOf(options)
  const listeners = new Set<(change: CircuitChange) => void>()
  const circuits = new Map<string, Circuit>()
  let forced: 'open' | 'closed' | undefined
  /** The time of the calls; what comes without a call goes by it too. */
  let clock: Clock = systemClock

  const create = (key: string, scope: CircuitScope): Circuit => {
    const circuit = new Circuit(settings, clock.now(), (step, cause) => {
      const change: CircuitChange = { key, scope, ...step }
      if (step.to === 'open') shared?.tell(change, settings.openFor)
      if (cause !== undefined) emit(cause, 'circuit.changed', change)
      for (const listener of [...listeners]) listener(change)
    })
    if (forced !== undefined) circuit.force(forced, clock.now())
    return circuit
  }
  // Made at its first use, in the time of the calls.
  let keyed: Circuit | undefined
  const ofKey = (): Circuit => {
    keyed ??= create(keyCircuit, 'key')
    return keyed
  }
  const known = (key: string): Circuit => {
    if (key === keyCircuit) return ofKey()
    let circuit = circuits.get(key)
    if (circuit === undefined) {
      circuit = create(key, 'model')
      shared?.ask(key)
    } else {
      if (circuits.size === 1) return circuit
      circuits.delete(key)
    }
    // The order of the map is that of the last use.
    circuits.set(key, circuit)
    if (circuits.size > settings.maxKeys) forgetIdlest(circuits, circuit)
    return circuit
  }
  const shared =
    options.shared === undefined
      ? undefined
      : new SharedOpenings(options.shared, settings.name, (key, ms) =>
          known(key).openAsOthers(ms, clock.now()),
        )
  shared?.ask(keyCircuit)

  const judge = (circuit: Circuit, outcome: Outcome, request: ModelRequest): Verdict | undefined => {
    if (circuit.usual.wasTooShort(outcome, request.stream)) return undefined
    circuit.usual.observe(outcome)
    return verdictOnModel(outcome, settings.slowCall)
  }

  const middleware: Middleware = (next) => async (request) => {
    clock = request.clock
    const now = clock.now()
    const key = settings.key(request)
    const circuit = known(key)
    const circuitOfKey = ofKey()
    const keyRefusal = circuitOfKey.refusal(now, request)
    if (keyRefusal !== undefined) return refuse(request, circuitOfKey, keyRefusal, 'key', key)
    const refusal = circuit.refusal(now, request)
    if (refusal !== undefined) return refuse(request, circuit, refusal, 'model', key)

    const keyPermit = circuitOfKey.enter(now)
    const permit = circuit.enter(now)
    const settle = (outcome: Outcome | undefined): void => {
      const end = request.clock.now()
      circuitOfKey.settle(keyPermit, outcome && verdictOnKey(outcome), end, request)
      circuit.settle(permit, outcome && judge(circuit, outcome, request), end, request)
    }
    let response: ModelResponse
    try {
      response = await next(request)
    } catch (error) {
      settle(undefined)
      throw error
    }
    if (response.failure === undefined) {
      if (permit.probe !== undefined) permit.probe.hasContent = true
      if (keyPermit.probe !== undefined) keyPermit.probe.hasContent = true
    }
    response.outcome.then(settle)
    return response
  }

  const each = (key: string | undefined, act: (circuit: Circuit) => void): void => {
    if (key !== undefined) return act(known(key))
    for (const circuit of [ofKey(), ...circuits.values()]) act(circuit)
  }
  const force = (state: 'open' | 'closed', key: string | undefined): void => {
    if (key === undefined) forced = state
    each(key, (circuit) => circuit.force(state, clock.now()))
  }

  return {
    middleware,
    states() {
      const now = clock.now()
      for (const circuit of [ofKey(), ...circuits.values()]) circuit.refresh(now, undefined)
      return [
        stateOf(keyCircuit, 'key', ofKey(), clock),
        ...[...circuits].map(([key, circuit]) => stateOf(key, 'model', circuit, clock)),
      ]
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    forceOpen: (key) => force('open', key),
    forceClosed: (key) => force('closed', key),
    release(key) {
      if (key === undefined) forced = undefined
      each(key, (circuit) => circuit.release(clock.now()))
    },
    close: () => shared?.close(),
  }
}

function stateOf(key: string, scope: CircuitScope, circuit: Circuit, clock: Clock): BreakerState {
  const now = clock.now()
  const { state, isForced, since, until, calls, failures, slowCalls, slowCallsOf, probes } = circuit.read(now)
  const toEpoch = clock.epoch() - now
  return {
    key,
    scope,
    state,
    forced: isForced,
    since: since + toEpoch,
    nextProbeAt: until === undefined ? undefined : until + toEpoch,
    calls,
    failures,
    failureRate: calls === 0 ? undefined : failures / calls,
    slowCalls,
    slowCallRate: slowCallsOf === 0 ? undefined : slowCalls / slowCallsOf,
    probes,
    refused: circuit.refused,
  }
}

/** A circuit that is closed has the least to remember. The one that has just come stays. */
function forgetIdlest(circuits: Map<string, Circuit>, newest: Circuit): void {
  const old = [...circuits].filter(([, circuit]) => circuit !== newest)
  const [key, circuit] =
    old.find(([, { state, isForced }]) => state === 'closed' && !isForced) ?? old[0] ?? []
  if (key === undefined) return
  circuit?.retire()
  circuits.delete(key)
}

function refuse(
  request: ModelRequest,
  circuit: Circuit,
  { retryAfterMs }: Refusal,
  scope: CircuitScope,
  key: string,
): ModelResponse {
  circuit.refused++
  const what = scope === 'key' ? "the endpoint's key" : key
  const failure: Failure = {
    kind: 'circuit_open',
    message: `the circuit of ${what} is ${circuit.state === 'open' ? 'open' : 'being tested'}: ${advice(circuit)}`,
    retryable: false,
    retryAfterMs,
    scope,
    origin: 'spillway',
  }
  emit(request, 'refused', { failure })
  return failureResponse(request, failure)
}

function advice({ isForced, state }: Circuit): string {
  if (isForced) return 'it was opened by hand'
  return state === 'open' ? 'too many of the last calls failed or were slow' : 'all probes are under way'
}
