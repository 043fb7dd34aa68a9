import {
  type Clock,
  emit,
  type Failure,
  type Handler,
  type Middleware,
  type ModelRequest,
  type ModelResponse,
  named,
  type Outcome,
  systemClock,
} from '@spillway/middleware'
import { guardHook, guardListener } from '@spillway/middleware/kit'
import { failureResponse, refuse } from '@spillway/wire'
import { type ChangeReason, Circuit, type CircuitState, type Refusal } from './circuit.ts'
import { type CircuitBreakerOptions, settingsOf } from './circuit-breaker-options.ts'
import { CircuitMap } from './circuit-map.ts'
import { SharedOpenings } from './shared-openings.ts'
import { type Verdict, verdictOnKey, verdictOnModel } from './verdict.ts'

/** What a circuit protects: one model at an endpoint, or the endpoint's key. */
export type CircuitScope = 'model' | 'key'

/** A circuit has changed its state. */
export interface CircuitChange {
  /** Which circuit: a key of the option `key`, {@link keyCircuit} or one of {@link keyCircuitOf}. */
  readonly key: string
  readonly scope: CircuitScope
  readonly from: CircuitState
  readonly to: CircuitState
  readonly reason: ChangeReason
}

/** A snapshot of a circuit. Times in milliseconds since the Unix epoch. */
export interface CircuitStatus {
  readonly key: string
  readonly scope: CircuitScope
  readonly state: CircuitState
  /** Whether it is forced by {@link CircuitBreaker.forceOpen} or {@link CircuitBreaker.forceClosed}. */
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
  /** Probes in flight. */
  readonly probes: number
  /** Calls refused since the circuit is known. */
  readonly refused: number
}

/** A circuit breaker: the middleware, and what can be read and set. */
export interface CircuitBreaker {
  readonly middleware: Middleware
  /** All circuits, those of keys first, or those that are wanted. */
  states(isWanted?: (key: string, scope: CircuitScope) => boolean): readonly CircuitStatus[]
  /** How many circuits, or of those that are wanted, are in each state: quicker than to read them. */
  countStates(
    isWanted?: (key: string, scope: CircuitScope) => boolean,
  ): Readonly<Record<CircuitState, number>>
  /** Hears every change, whoever caused it; what it throws touches no call. Returns what stops it. */
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

/** The circuit of the endpoint's key, in {@link CircuitStatus} and for {@link CircuitBreaker.forceOpen}. */
export const keyCircuit = '*'

/** The same for one of several keys: with the option `credential`, by what that says of a request. */
export function keyCircuitOf(credential: string): string {
  return `${keyCircuit}:${credential}`
}

const all = (): boolean => true

const isKeyCircuit = (key: string): boolean => key === keyCircuit || key.startsWith(`${keyCircuit}:`)

/** Callers choose the names of models: none may collide with a key. */
const modelCircuit = (key: string): string => (isKeyCircuit(key) ? `\\${key}` : key)

/**
 * Stops asking an endpoint that fails: when too many of the last calls have failed, calls are refused at once
 * (`circuit_open`: never retried, and handed to a fallback at once) until the time is over, and a few probes have shown
 * that it is back. One circuit for each model, and one for the endpoint's key, or for each key where callers bring theirs.
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
  if (options.onChange !== undefined)
    listeners.add(guardListener('circuitBreaker.onChange', options.onChange))
  let forced: 'open' | 'closed' | undefined
  /** The time of the calls; what happens without a call uses it too. */
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
  const createAsking = (key: string, scope: CircuitScope): Circuit => {
    // Asked for at the start already.
    if (key !== keyCircuit) shared?.ask(key)
    return create(key, scope)
  }
  const circuitsOf = (scope: CircuitScope): CircuitMap =>
    new CircuitMap({
      most: settings.maxKeys,
      window: settings.window,
      now: () => clock.now(),
      create: (key) => createAsking(key, scope),
    })
  const models = circuitsOf('model')
  const keys = circuitsOf('key')
  /** Where the caller's key cannot be identified, no key's circuit is asked. */
  const credential =
    options.credential &&
    guardHook<[ModelRequest], string | undefined>(
      'circuitBreaker.credential',
      options.credential,
      () => undefined,
      (answer) => typeof answer === 'string',
    )
  /** What the vendor last said of a caller's key. */
  const lastWords = new WeakMap<Circuit, Failure>()
  const known = (key: string): Circuit => (isKeyCircuit(key) ? keys : models).at(key)
  /** Of callers' keys only those are remembered that were refused: anybody can make up any number of others. */
  const circuitOfKey = (request: ModelRequest): Circuit | undefined => {
    if (credential === undefined) return keys.at(keyCircuit)
    const name = credential(request)
    return name === undefined ? undefined : keys.find(keyCircuitOf(name))
  }
  const shared =
    options.shared === undefined
      ? undefined
      : new SharedOpenings(
          options.shared,
          settings.name,
          (key, ms) => known(key).openAsOthers(ms, clock.now()),
          () => {
            if (credential === undefined) keys.at(keyCircuit)
            return [...keys.notOpen(), ...models.notOpen()]
          },
        )
  shared?.ask(keyCircuit)

  const judge = (circuit: Circuit, outcome: Outcome, request: ModelRequest): Verdict | undefined => {
    if (circuit.usual.wasTooShort(outcome, request.stream)) return undefined
    circuit.usual.observe(outcome)
    return verdictOnModel(outcome, settings.slowCallThreshold, settings.when)
  }

  /** A shadow call passes closed circuits alone, is no probe, and changes no circuit. */
  const shadow = async (request: ModelRequest, key: string, next: Handler): Promise<ModelResponse> => {
    const unknown: Refusal = { retryAfterMs: undefined }
    const ofKey = circuitOfKey(request)
    if (ofKey !== undefined && ofKey.state !== 'closed')
      return refuseBy(request, ofKey, unknown, 'key', 'the key')
    const circuit = models.find(key)
    if (circuit !== undefined && circuit.state !== 'closed')
      return refuseBy(request, circuit, unknown, 'model', key)
    return next(request)
  }

  const middleware: Middleware = (next) => async (request) => {
    clock = request.clock
    const now = clock.now()
    const key = modelCircuit(settings.key(request))
    if (request.context.isShadow) return shadow(request, key, next)
    const circuit = models.at(key)
    const ofKey = circuitOfKey(request)
    const keyRefusal = ofKey?.refusal(now, request)
    if (ofKey !== undefined && keyRefusal !== undefined) {
      if (credential === undefined) return refuseBy(request, ofKey, keyRefusal, 'key', "the endpoint's key")
      const refused = refuseBy(request, ofKey, keyRefusal, 'key', 'the key of this caller')
      return asTheVendorSaid(request, refused, lastWords.get(ofKey))
    }
    const refusal = circuit.refusal(now, request)
    if (refusal !== undefined) return refuseBy(request, circuit, refusal, 'model', key)

    const keyPermit = ofKey?.enter(now)
    const permit = circuit.enter(now)
    const settle = (outcome: Outcome | undefined): void => {
      const end = request.clock.now()
      const onKey = outcome && verdictOnKey(outcome, settings.when)
      if (ofKey !== undefined && keyPermit !== undefined) ofKey.settle(keyPermit, onKey, end, request)
      const name = onKey?.failed ? credential?.(request) : undefined
      if (name !== undefined && outcome?.failure !== undefined) {
        const refused = ofKey ?? keys.at(keyCircuitOf(name))
        lastWords.set(refused, outcome.failure)
        if (ofKey === undefined) refused.settle(refused.enter(end), onKey, end, request)
      }
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
      if (keyPermit?.probe !== undefined) keyPermit.probe.hasContent = true
    }
    response.outcome.then(settle)
    return response
  }

  const each = (key: string | undefined, act: (circuit: Circuit) => void): void => {
    if (key !== undefined) return act(known(key))
    for (const circuit of allCircuits()) act(circuit)
  }
  const allCircuits = (): Circuit[] => {
    if (credential === undefined) keys.at(keyCircuit)
    return [...keys.values(), ...models.values()]
  }
  const scopes = [['key', keys] as const, ['model', models] as const]
  const refreshAll = (): void => {
    const now = clock.now()
    for (const circuit of allCircuits()) circuit.refresh(now, undefined)
  }
  const force = (state: 'open' | 'closed', key: string | undefined): void => {
    if (key === undefined) forced = state
    each(key, (circuit) => circuit.force(state, clock.now()))
  }

  const { failureRate, minimumCalls, window, openFor } = settings
  named(middleware, 'circuit breaker', { options: { failureRate, minimumCalls, window, openFor } })
  return {
    middleware,
    states(isWanted = all) {
      refreshAll()
      const read: CircuitStatus[] = []
      for (const [scope, circuits] of scopes) {
        for (const [key, circuit] of circuits.entries())
          if (isWanted(key, scope)) read.push(stateOf(key, scope, circuit, clock))
      }
      return read
    },
    countStates(isWanted = all) {
      refreshAll()
      const counts: Record<CircuitState, number> = { closed: 0, half_open: 0, open: 0 }
      for (const [scope, circuits] of scopes) {
        for (const [key, circuit] of circuits.entries()) if (isWanted(key, scope)) counts[circuit.state]++
      }
      return counts
    },
    onChange(listener) {
      const guarded = guardListener('a listener of CircuitBreaker.onChange', listener)
      listeners.add(guarded)
      return () => listeners.delete(guarded)
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

function stateOf(key: string, scope: CircuitScope, circuit: Circuit, clock: Clock): CircuitStatus {
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

function refuseBy(
  request: ModelRequest,
  circuit: Circuit,
  { retryAfterMs }: Refusal,
  scope: CircuitScope,
  what: string,
): ModelResponse {
  circuit.refused++
  const message = `the circuit of ${what} is ${circuit.state === 'open' ? 'open' : 'being tested'}: ${advice(circuit)}`
  return refuse(request, { kind: 'circuit_open', message, retryAfterMs, scope })
}

/**
 * A caller whose own key is refused is told so, as the vendor would again: it can do something about it. For policies the
 * circuit is what refuses.
 */
function asTheVendorSaid(
  request: ModelRequest,
  refused: ModelResponse,
  lastWords: Failure | undefined,
): ModelResponse {
  if (lastWords === undefined || refused.failure === undefined) return refused
  const { message } = refused.failure
  const told = { ...refused.failure, kind: lastWords.kind, message: `${lastWords.message} (${message})` }
  const { status, headers, body } = failureResponse(request, told)
  return { ...refused, status, headers, body }
}

function advice({ isForced, state }: Circuit): string {
  if (isForced) return 'it was opened by hand'
  return state === 'open' ? 'too many of the last calls failed or were slow' : 'all probes are in flight'
}
