import { emit, type Handler, type ModelRequest, type ModelResponse, named } from '@spillway/middleware'
import { refuse, timeoutFailure } from '@spillway/wire'
import { RunningAttempt } from './running-attempt.ts'
import type { Transport } from './transport.ts'

/**
 * One attempt at a call over `transport`: the innermost handler of every chain. It inspects the answer once,
 * holds a stream back until its first content, keeps the limits of `request.timeouts`, and settles `outcome`.
 *
 * Resolves at the commit point; also when the transport fails or a limit runs out, with `response.failure` set
 * and a body that is an error in the caller's protocol.
 * Rejects with the signal's reason when the caller aborts first.
 */
export function attempt(transport: Transport): Handler {
  const handler: Handler = (request) => {
    const { signal } = request
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (request.deadline <= request.clock.now()) return Promise.resolve(tooLate(request))
    emit(request, 'attempt.started', { model: request.model })
    return new Promise<ModelResponse>((resolve, reject) => {
      new RunningAttempt(request, resolve, reject).start(transport)
    })
  }
  return named(handler, 'attempt')
}

/** Nothing was sent, so nothing is counted: no attempt is announced. */
function tooLate(request: ModelRequest): ModelResponse {
  const { kind, phase, message } = timeoutFailure('total', undefined)
  return refuse(request, { kind, phase, message })
}
