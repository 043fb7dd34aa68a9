import {
  type Failure,
  type Handler,
  listen,
  type ModelRequest,
  type Outcome,
  type SpillwayEvent,
  sleep,
} from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject, type NewModelRequest } from '@spillway/middleware/kit'
import { failureOf, requestOn as request, type VirtualClock } from '@spillway/testing'
import { failureResponse, truncatedFailure } from '@spillway/wire'

export { failureOf }

/** An endpoint that does as it is told; times in milliseconds. */
export interface FakeEndpoint {
  readonly handler: Handler
  latency: number
  /** How long an answer goes on after its first content. */
  streaming: number
  failure: Failure | undefined
  /** Answers begin and then break off. */
  breaksOff: boolean
  /** Requests so far. */
  asked: number
  /** Attempts that were cancelled before they were answered. */
  cancelled: number
}

export function fakeEndpoint(latency = 100): FakeEndpoint {
  const fake: FakeEndpoint = {
    latency,
    streaming: 0,
    failure: undefined,
    breaksOff: false,
    asked: 0,
    cancelled: 0,
    async handler(request) {
      fake.asked++
      const { clock, signal } = request
      const startedAt = clock.now()
      const { failure, breaksOff, streaming } = fake
      try {
        await sleep(clock, fake.latency, signal)
      } catch (error) {
        fake.cancelled++
        throw error
      }
      const outcome = (end: Failure | undefined): Outcome => ({
        failure: end,
        usage: undefined,
        stopReason: undefined,
        model: undefined,
        timings: { startedAt, end: clock.now() - startedAt },
        bytes: 0,
      })
      if (failure !== undefined) {
        if (failure.origin === 'spillway') return failureResponse(request, failure)
        return failureResponse(request, failure, { outcome: Promise.resolve(outcome(failure)) })
      }
      const end = breaksOff ? truncatedFailure() : undefined
      const ended =
        streaming === 0
          ? Promise.resolve(outcome(end))
          : sleep(clock, streaming, signal).then(
              () => outcome(end),
              () => outcome(failureOf('cancelled', { retryable: false })),
            )
      return {
        status: 200,
        headers: {},
        body: bodyOf(Buffer.from('answer')),
        failure: undefined,
        outcome: ended,
        target: request.context.target,
      }
    },
  }
  return fake
}

/** A vendor's refusal of a key. */
export const refusedKey: Failure = failureOf('authentication', { retryable: false, scope: 'key' })

/** A request for a stream that belongs to no conversation, unless said otherwise. */
export function requestOn(clock: VirtualClock, changes: Partial<NewModelRequest> = {}): ModelRequest {
  return request(clock, { stream: true, body: jsonBodyFromObject({}), ...changes })
}

/** A turn of a conversation that the caller names. */
export function turnOf(clock: VirtualClock, session: string): ModelRequest {
  return requestOn(clock, { context: { session } })
}

export function heard(request: ModelRequest): { request: ModelRequest; events: SpillwayEvent[] } {
  const events: SpillwayEvent[] = []
  return { request: listen(request, (event) => events.push(event)), events }
}
