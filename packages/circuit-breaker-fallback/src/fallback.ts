import type { Target } from '@spillway/attempt'
import {
  deriveRequest,
  emit,
  type Failure,
  type Middleware,
  type ModelRequest,
  type ModelResponse,
  named,
  type SpillwayEvent,
  timeLeft,
} from '@spillway/middleware'
import {
  guardHook,
  noDeadline,
  summarizeFailures,
  withDefaults,
  withListener,
} from '@spillway/middleware/kit'
import { isCallerError } from '@spillway/wire'
import { type MidStreamMode, midStreamMode, withTakeOver } from './mid-stream.ts'
import { refusalFallback } from './refusal-fallback.ts'
import type { RefusalFallbackOptions } from './refusal-options.ts'

export interface FallbackOptions {
  /**
   * Time kept back for the fallbacks, in milliseconds, 0 or more; at most half of the time that the call has.
   * The fallbacks share it.
   * @default 30000
   */
  readonly reserve?: number
  /**
   * Decides whether a failure is passed to the next target; `undefined` leaves it to the default.
   * @default everything but caller errors: `invalid_request`, `too_large`, `refusal`, `cancelled`. That a fallback
   * finds the request invalid or too large says more of the fallback: the next one is asked, whatever this answers.
   */
  readonly when?: (failure: Failure) => boolean | undefined
  /**
   * Which other models of the first target are asked when its model declines (`stop_reason: refusal`). Where all decline, that
   * is the answer; another target is asked only where `when` says so of a `refusal`.
   * @default undefined: none
   */
  readonly refusal?: RefusalFallbackOptions | undefined
  /**
   * What happens when a stream breaks off after its first content.
   * @default 'fail'
   */
  readonly midStream?: MidStreamMode
  /**
   * Hears of each target that is asked because another one has failed: the event `fallback.switched`. What it throws touches no
   * call.
   */
  readonly onFallback?: ((event: SpillwayEvent<'fallback.switched'>) => unknown) | undefined
}

/** The defaults of {@link FallbackOptions}. */
export const fallbackDefaults: Required<Omit<FallbackOptions, 'onFallback' | 'refusal' | 'when'>> &
  Pick<FallbackOptions, 'refusal'> & { readonly when: (failure: Failure) => boolean } = {
  reserve: 30_000,
  when: (failure) => !isCallerError(failure),
  refusal: undefined,
  midStream: 'fail',
}

/**
 * Asks other targets, in their order, when the handler that it wraps fails before its commit point. Time is kept
 * back for them from the start, so that a first target that only times out leaves enough to answer.
 *
 * When all fail, the response of the first is returned: it is the most specific one. Each target's failure is in its header
 * `x-spillway-failures`.
 */
export function fallback(targets: readonly Target[], options: FallbackOptions = {}): Middleware {
  const { reserve, refusal, midStream } = withDefaults(fallbackDefaults, options)
  const isBoolean = (answer: unknown): boolean => typeof answer === 'boolean'
  const when = guardHook('fallback.when', options.when, fallbackDefaults.when, isBoolean)
  if (!(reserve >= 0))
    throw new RangeError(`fallback.reserve must be milliseconds, 0 or more, but is ${reserve}`)
  const heard = withListener('fallback.switched', options.onFallback)
  const declined = refusal === undefined ? undefined : refusalFallback(refusal)
  const falling: Middleware = (handler) => {
    const next = declined?.(handler) ?? handler
    if (targets.length === 0) return next
    return async (call) => {
      const mode = midStreamMode(call, midStream)
      const request = mode === 'continue' ? deriveRequest(call, { keepTranscript: true }) : call
      const deadlines = shareTime(request, reserve, targets.length)
      const primary = declined === undefined ? request : heard(request)
      const first = await next(forTurn(primary, deadlines[0], { isDiverted: false, hasNext: true }))
      let last: ModelResponse = first
      let asked = 0
      const said = [{ target: first.target ?? request.context.target, failure: first.failure }]
      for (const [index, target] of targets.entries()) {
        const failure = last.failure ?? last.refusal
        if (failure === undefined) break
        if (!when(failure) && !(last !== first && isUnsuited(failure))) break
        emit(heard(request), 'fallback.switched', { to: target.name, failure })
        if (last !== first) last.body.cancel()
        const hasNext = index < targets.length - 1
        last = await target.handler(forTurn(request, deadlines[index + 1], { isDiverted: true, hasNext }))
        asked = index + 1
        said.push({ target: target.name, failure: last.failure })
      }
      const response = asked === 0 ? first : withFailures(keep(first, last), said)
      if (mode === 'fail' || response.failure !== undefined) return response
      return withTakeOver(request, response, targets.slice(asked), { mode, when, reserve, heard })
    }
  }
  const branches = targets.map(({ name, handler }) => ({ kind: 'target', name, handler }))
  return named(falling, 'fallback', { options: { reserve, midStream, refusal }, branches })
}

/** Whether a fallback cannot take a request that the first target would have: it has no tools, or a shorter context. */
function isUnsuited({ kind }: Failure): boolean {
  return kind === 'invalid_request' || kind === 'too_large'
}

/** An error says in a header what every target has said. */
function withFailures(response: ModelResponse, said: Parameters<typeof summarizeFailures>[0]): ModelResponse {
  const failures = response.failure && summarizeFailures(said)
  if (failures === undefined) return response
  return { ...response, headers: { ...response.headers, 'x-spillway-failures': failures } }
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
  const deadlines: number[] = []
  for (let left = fallbacks; left >= 0; left--) deadlines.push(deadline - (kept * left) / fallbacks)
  return deadlines
}

/** The request as one of the targets gets it. */
function forTurn(
  request: ModelRequest,
  deadline: number | undefined,
  { isDiverted, hasNext }: { isDiverted: boolean; hasNext: boolean },
): ModelRequest {
  const { context, headers } = request
  return deriveRequest(request, {
    ...(deadline === undefined ? {} : { deadline }),
    context: {
      ...context,
      divertedHeaders: isDiverted ? headers : context.divertedHeaders,
      hasDefaultTotal: request.hasDefaultDeadline || context.hasDefaultTotal,
      hasAlternative: hasNext || context.hasAlternative,
    },
  })
}
