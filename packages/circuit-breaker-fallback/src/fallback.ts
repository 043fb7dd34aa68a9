import type { Target } from '@spillway/attempt'
import {
  deriveRequest,
  emit,
  type Failure,
  type FailureKind,
  type Middleware,
  type ModelRequest,
  type ModelResponse,
  noDeadline,
  timeLeft,
} from '@spillway/middleware'

declare module '@spillway/middleware' {
  interface EventMap {
    /** A target has failed and the next one is asked. */
    'fallback.switched': {
      readonly to: string
      readonly failure: Failure
    }
  }
}

export interface FallbackOptions {
  /**
   * Time kept back for the fallbacks, in milliseconds, 0 or more; at most half of the time that the call has.
   * The fallbacks share it.
   * @default 30000
   */
  readonly reserve?: number
  /**
   * Whether a failure is worth another target.
   * @default everything but the caller's own faults: `invalid_request`, `too_large`, `refusal`, `cancelled`
   */
  readonly when?: (failure: Failure) => boolean
}

const callersFaults: ReadonlySet<FailureKind> = new Set([
  'invalid_request',
  'too_large',
  'refusal',
  'cancelled',
])

/** The defaults of {@link FallbackOptions}. */
export const fallbackDefaults: Required<FallbackOptions> = {
  reserve: 30_000,
  when: (failure) => !callersFaults.has(failure.kind),
}

/**
 * Asks other targets, in their order, when the handler that it wraps fails before its commit point. Time is kept
 * back for them from the start, so that a first target that only times out leaves enough to answer.
 *
 * When all fail, the response of the first is returned: it says best what is wrong.
 */
export function fallback(targets: readonly Target[], options: FallbackOptions = {}): Middleware {
  const { reserve, when } = { ...fallbackDefaults, ...options }
  if (!(reserve >= 0))
    throw new RangeError(`fallback.reserve must be milliseconds, 0 or more, but is ${reserve}`)
  return (next) => {
    if (targets.length === 0) return next
    return async (request) => {
      const deadlines = shareTime(request, reserve, targets.length)
      const first = await next(withDeadline(request, deadlines[0]))
      let last: ModelResponse = first
      for (const [index, target] of targets.entries()) {
        const { failure } = last
        if (failure === undefined) break
        if (!when(failure)) break
        emit(request, 'fallback.switched', { to: target.name, failure })
        if (last !== first) last.body.cancel()
        last = await target.handler(withDeadline(request, deadlines[index + 1]))
      }
      return keep(first, last)
    }
  }
}

/** Of two responses the one to return; the other is dropped. */
function keep(first: ModelResponse, last: ModelResponse): ModelResponse {
  if (last === first) return first
  const [kept, dropped] = last.failure === undefined ? [last, first] : [first, last]
  dropped.body.cancel()
  return kept
}

/**
 * When each must have begun to answer: the first target leaves the whole reserve, each fallback leaves the shares
 * of those behind it, the last leaves nothing.
 */
function shareTime(request: ModelRequest, reserve: number, fallbacks: number): number[] {
  const { deadline, clock } = request
  if (deadline === noDeadline) return []
  const kept = Math.min(reserve, timeLeft(deadline, clock) / 2)
  return Array.from(
    { length: fallbacks + 1 },
    (_, index) => deadline - (kept * (fallbacks - index)) / fallbacks,
  )
}

function withDeadline(request: ModelRequest, deadline: number | undefined): ModelRequest {
  return deadline === undefined || deadline === request.deadline
    ? request
    : deriveRequest(request, { deadline })
}
