import { listen, type ModelRequest, type ModelResponse, type SpillwayEvent } from '@spillway/middleware'
import type { NewModelRequest } from '@spillway/middleware/kit'
import { type VirtualClock, virtualClock } from '@spillway/testing'
import {
  type CircuitBreaker,
  type CircuitChange,
  type CircuitStatus,
  createCircuitBreaker,
  keyCircuit,
} from '../src/circuit-breaker.ts'
import type { CircuitBreakerOptions } from '../src/circuit-breaker-options.ts'
import { type ControlledCall, controlledEndpoint, failureOf, requestOn, turn } from './controlled-endpoint.ts'

/** A call on its way: what it is answered with, and the endpoint's side of it unless it was refused. */
export interface Sent {
  readonly response: Promise<ModelResponse>
  readonly call: ControlledCall | undefined
}

/** A breaker on a virtual clock before a controlled endpoint. */
export interface Bench {
  readonly clock: VirtualClock
  readonly breaker: CircuitBreaker
  readonly changes: readonly CircuitChange[]
  readonly events: readonly SpillwayEvent[]
  send(changes?: Partial<NewModelRequest>): Sent
  /** A call that ends at once, well or with `failure`. */
  run(
    failure?: Parameters<ControlledCall['end']>[0],
    changes?: Partial<NewModelRequest>,
  ): Promise<ModelResponse>
  /** `count` calls that fail, 529 each. */
  fail(count: number): Promise<void>
  succeed(count: number): Promise<void>
  state(key?: string): CircuitStatus
  keyState(): CircuitStatus
}

export const model = 'claude-sonnet-5-5'

export function bench(options: CircuitBreakerOptions = {}, clock: VirtualClock = virtualClock()): Bench {
  const breaker = createCircuitBreaker(options)
  const endpoint = controlledEndpoint()
  const handler = breaker.middleware(endpoint.handler)
  const changes: CircuitChange[] = []
  const events: SpillwayEvent[] = []
  breaker.onChange((change) => changes.push(change))

  const send = (with_: Partial<NewModelRequest> = {}): Sent => {
    const before = endpoint.calls.length
    const request: ModelRequest = listen(requestOn(clock, with_), (event) => events.push(event))
    const response = handler(request)
    return { response, call: endpoint.calls.length > before ? endpoint.calls[before] : undefined }
  }
  const run: Bench['run'] = async (failure, with_) => {
    const { call, response } = send(with_)
    await call?.end(failure)
    return response
  }
  const state = (key = model): CircuitStatus => {
    const found = breaker.states().find((each) => each.key === key)
    if (found === undefined) throw new Error(`no circuit is called ${key}`)
    return found
  }
  const repeat = async (count: number, failure?: Parameters<ControlledCall['end']>[0]): Promise<void> => {
    for (let i = 0; i < count; i++) await run(failure)
    await turn()
  }
  return {
    clock,
    breaker,
    changes,
    events,
    send,
    run,
    fail: (count) => repeat(count, failureOf('overloaded')),
    succeed: (count) => repeat(count),
    state,
    keyState: () => state(keyCircuit),
  }
}
