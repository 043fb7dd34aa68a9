import type { Failure, Handler, ModelRequest, Outcome } from '@spillway/middleware'
import { BodyChannel, type NewModelRequest } from '@spillway/middleware/kit'
import { requestOn as request, type VirtualClock } from '@spillway/testing'
import { failureResponse } from '@spillway/wire'

export { failureOf } from '@spillway/testing'

/** A call that has reached the endpoint; the test says how it goes on. */
export interface ControlledCall {
  readonly request: ModelRequest
  /** The first content comes. */
  commit(): void
  /** It is over: with an answer, or with a failure, before its first content or after it. */
  end(failure?: Failure): Promise<void>
  /** The handler rejects, as it does when the caller leaves before the commit point. */
  reject(reason: unknown): Promise<void>
}

export interface ControlledEndpoint {
  readonly handler: Handler
  readonly calls: readonly ControlledCall[]
}

/** An endpoint whose every call waits for the test. */
export function controlledEndpoint(): ControlledEndpoint {
  const calls: ControlledCall[] = []
  return {
    calls,
    handler: (request) =>
      new Promise((resolve, reject) => {
        const outcome = Promise.withResolvers<Outcome>()
        const body = new BodyChannel()
        const startedAt = request.clock.now()
        let firstContent: number | undefined
        const commit = (): void => {
          if (firstContent !== undefined) return
          firstContent = request.clock.now() - startedAt
          const { promise } = outcome
          resolve({ status: 200, headers: {}, body, failure: undefined, outcome: promise, target: 'claude' })
        }
        calls.push({
          request,
          commit,
          async end(failure) {
            if (failure === undefined) commit()
            else if (firstContent === undefined)
              resolve(failureResponse(request, failure, { outcome: outcome.promise }))
            outcome.resolve({
              failure,
              usage: undefined,
              stopReason: undefined,
              model: undefined,
              timings: { startedAt, firstContent, end: request.clock.now() - startedAt },
              bytes: 0,
            })
            await turn()
          },
          async reject(reason) {
            reject(reason)
            await turn()
          },
        })
      }),
  }
}

/** Lets all promises progress that can. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** A request for a stream, unless said otherwise. */
export function requestOn(clock: VirtualClock, changes: Partial<NewModelRequest> = {}): ModelRequest {
  return request(clock, { stream: true, ...changes })
}
