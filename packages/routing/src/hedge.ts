import {
  deriveRequest,
  emit,
  type Handler,
  type ModelRequest,
  type ModelResponse,
} from '@spillway/middleware'

/** A second attempt that is ready to start. */
export interface Hedge {
  readonly endpoint: string
  readonly handler: Handler
}

/** One of the two attempts of a call, which can be cancelled by itself. */
interface Runner {
  readonly controller: AbortController
  readonly result: Promise<ModelResponse>
}

/**
 * Sends a call, and once more by `hedge()` when there is no answer after `afterMs` milliseconds. The first answer
 * wins and the other attempt is cancelled; a failure only counts when the other one fails too.
 */
export function withHedge(
  request: ModelRequest,
  first: Handler,
  afterMs: number,
  hedge: () => Hedge | undefined,
): Promise<ModelResponse> {
  const { signal, clock } = request
  if (signal?.aborted) return Promise.reject(signal.reason)
  return new Promise((resolve, reject) => {
    const runners: Runner[] = []
    let failed: ModelResponse | undefined
    let name: string | undefined
    let isOver = false

    const leave = (): void => {
      for (const { controller } of runners) controller.abort(signal?.reason)
    }
    const finish = (): void => {
      isOver = true
      cancel()
    }
    const unlink = (): void => signal?.removeEventListener('abort', leave)
    /** The caller's signal holds for the answer until it has ended. */
    const give = (response: ModelResponse): void => {
      finish()
      response.outcome.then(unlink, unlink)
      resolve(response)
    }
    const stop = (loser: Runner): void => {
      runners.splice(runners.indexOf(loser), 1)
      loser.controller.abort(new Error('another endpoint answered first'))
      // It may have answered in the same moment.
      loser.result.then(
        ({ body }) => body.cancel(),
        () => {},
      )
    }
    const run = (handler: Handler, isHedge: boolean): void => {
      const controller = new AbortController()
      const runner: Runner = {
        controller,
        result: handler(deriveRequest(request, { signal: controller.signal })),
      }
      runners.push(runner)
      runner.result.then(
        (response) => {
          if (isOver) return
          const other = runners.find((each) => each !== runner)
          if (response.failure !== undefined) {
            if (isHedge && name !== undefined)
              emit(request, 'hedge.lost', { endpoint: name, reason: 'failed' })
            if (other === undefined) {
              // The first failure says best what is wrong.
              if (failed !== undefined) response.body.cancel()
              return give(failed ?? response)
            }
            failed = response
            runners.splice(runners.indexOf(runner), 1)
            return
          }
          if (other !== undefined) stop(other)
          failed?.body.cancel()
          give(response)
          if (name === undefined) return
          if (isHedge) emit(request, 'hedge.won', { endpoint: name })
          else if (other !== undefined) emit(request, 'hedge.lost', { endpoint: name, reason: 'slower' })
        },
        (error: unknown) => {
          if (isOver) return
          finish()
          unlink()
          for (const other of [...runners]) if (other !== runner) stop(other)
          failed?.body.cancel()
          reject(error)
        },
      )
    }

    signal?.addEventListener('abort', leave)
    const cancel = clock.setTimer(afterMs, () => {
      if (isOver) return
      const second = hedge()
      if (second === undefined) return
      name = second.endpoint
      emit(request, 'hedge.started', { endpoint: name, afterMs })
      run(second.handler, true)
    })
    run(first, false)
  })
}
