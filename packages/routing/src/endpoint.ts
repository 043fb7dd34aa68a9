import type { Handler, ModelRequest } from '@spillway/middleware'
import { CallWindow } from './call-window.ts'
import { Latencies } from './latencies.ts'
import type { EndpointOptions, RoutingSettings } from './options.ts'
import { PeakEwma } from './peak-ewma.ts'
import { Suspension, type SuspensionTimes } from './suspension.ts'

/**
 * What kind of answer a latency belongs to. An answer that is not streamed comes when all of it has been generated,
 * so the two are never compared.
 */
export type AnswerKind = 'streamed' | 'whole'

export function kindOf(request: ModelRequest): AnswerKind {
  return request.stream ? 'streamed' : 'whole'
}

/** A credential by its name, and whether the vendor takes it. */
export interface Key {
  readonly name: string
  /** Each caller brings its own. What is said of one is kept by the caller, and nothing of it here. */
  readonly isCallers: boolean
  readonly suspension: Suspension
  /** Until when the vendor asked to be left alone (429), in clock time. */
  pausedUntil: number
}

/** What there is to know about one endpoint; only routing writes to it. */
export interface Endpoint {
  readonly name: string
  readonly index: number
  readonly handler: Handler
  readonly weight: number
  /** `weight` by the sum of all weights. */
  readonly fairShare: number
  readonly key: Key
  readonly ejection: Suspension
  readonly latency: Readonly<Record<AnswerKind, PeakEwma>>
  readonly recent: Readonly<Record<AnswerKind, Latencies>>
  readonly started: CallWindow
  readonly succeeded: CallWindow
  readonly failed: CallWindow
  inFlight: number
  consecutiveFailures: number
}

/** One endpoint as people and metrics see it. All times are in milliseconds of clock time. */
export interface EndpointState {
  readonly name: string
  readonly weight: number
  /** Of the calls that began in the last window, 0 to 1. */
  readonly share: number
  /** Calls sent to it whose answers have not ended. */
  readonly inFlight: number
  /** Peak EWMA of the time to first token of streams, as last observed; undefined before the first. */
  readonly timeToFirstToken: number | undefined
  /** The same of the whole time of answers that are not streamed. */
  readonly timeToAnswer: number | undefined
  /** When it may be probed; undefined while it is in service. */
  readonly ejectedUntil: number | undefined
  readonly key: {
    readonly name: string
    /** When the key may be tried again; undefined while the vendor takes it. */
    readonly refusedUntil: number | undefined
    /** Until when the vendor asked to wait (429); may be past. */
    readonly pausedUntil: number | undefined
  }
}

export function newKey(name: string, isCallers: boolean, times: SuspensionTimes): Key {
  return { name, isCallers, suspension: new Suspension(times), pausedUntil: -Infinity }
}

/** How many latencies an endpoint keeps of each kind. */
const keptLatencies = 32

export function createEndpoints(list: readonly EndpointOptions[], settings: RoutingSettings): Endpoint[] {
  const { window, decay, keys: keyTimes, ejection } = settings
  const totalWeight = list.reduce((sum, { weight = 1 }) => sum + weight, 0)
  const keys = new Map<string, Key>()
  const keyOf = (name: string | null): Key => {
    if (name === null) return newKey('caller', true, keyTimes)
    const key = keys.get(name) ?? newKey(name, false, keyTimes)
    keys.set(name, key)
    return key
  }
  return list.map(({ name, handler, weight = 1, key }, index) => ({
    name,
    index,
    handler,
    weight,
    fairShare: weight / totalWeight,
    key: keyOf(key === undefined ? `key of ${name}` : key),
    ejection: new Suspension(ejection || { baseTime: 0, maxTime: 0 }),
    latency: { streamed: new PeakEwma(decay), whole: new PeakEwma(decay) },
    recent: { streamed: new Latencies(keptLatencies), whole: new Latencies(keptLatencies) },
    started: new CallWindow(window),
    succeeded: new CallWindow(window),
    failed: new CallWindow(window),
    inFlight: 0,
    consecutiveFailures: 0,
  }))
}

export function stateOf(endpoint: Endpoint, allStarted: number, now: number): EndpointState {
  const { name, weight, inFlight, latency, ejection, key } = endpoint
  return {
    name,
    weight,
    share: allStarted === 0 ? 0 : endpoint.started.count(now) / allStarted,
    inFlight,
    timeToFirstToken: latency.streamed.latest,
    timeToAnswer: latency.whole.latest,
    ejectedUntil: ejection.until,
    key: {
      name: key.name,
      refusedUntil: key.suspension.until,
      pausedUntil: key.pausedUntil === -Infinity ? undefined : key.pausedUntil,
    },
  }
}
