import {
  type Failure,
  type Handler,
  listen,
  type ModelRequest,
  type ModelResponse,
  type Outcome,
  type Usage,
} from '@spillway/middleware'
import { failureKinds, type VendorDimension, vendorLimits } from '@spillway/wire'
import { promptTokens, type TypicalDuration } from '@spillway/wire/internal'
import type { Lease } from './admission.ts'
import type { Cost, VendorFeedback, WindowName } from './limits.ts'
import type { Estimate, TokenEstimator } from './token-estimator.ts'

/** A call that has been admitted, and all that its settlement needs. */
export interface AdmittedCall {
  readonly request: ModelRequest
  readonly lease: Lease
  /** What was reserved. */
  readonly reserved: Estimate
  readonly estimator: TokenEstimator
  /** How long answers of this upstream usually take to begin. */
  readonly usual: TypicalDuration
  readonly countCacheReads: boolean
  /** Whether the vendor's headers and 429s concern these limits. */
  readonly appliesVendorLimits: boolean
}

const windowOf: Readonly<Record<VendorDimension, WindowName>> = {
  requests: 'requestsPerMinute',
  inputTokens: 'inputTokensPerMinute',
  outputTokens: 'outputTokensPerMinute',
}

/** Failures of this kind never reached the vendor, so that nothing was counted there. */
const notReached = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

/** How long a 429 that names no time closes a limiter, in milliseconds. */
const usualPause = 1_000

/** Sends an admitted call, and settles its lease exactly once, when its outcome is known. */
export async function sendAndSettle(next: Handler, call: AdmittedCall): Promise<ModelResponse> {
  const { request, lease } = call
  let ended: Outcome | undefined
  let wasSent = false
  const watched = listen(request, (event) => {
    if (event.type === 'attempt.started') wasSent = true
    else if (event.type === 'attempt.ended') ended = event.outcome
  })
  const settle = (outcome: Outcome | undefined): void => {
    const actual = wasSent ? actualCost(call, outcome) : undefined
    lease.settle(actual, request.clock.now(), tellsOfLoad(call, outcome) ? outcome : undefined)
  }
  try {
    const response = await next(watched)
    if (call.appliesVendorLimits) lease.observe?.(answerOf(request, response), request.clock.now())
    response.outcome.then((outcome) => {
      if (outcome.usage !== undefined && !outcome.usage.estimated)
        call.estimator.learn(call.reserved, outcome.usage)
      settle(outcome)
    })
    return response
  } catch (error) {
    settle(ended)
    throw error
  }
}

/** Whether an outcome tells how much the upstream can take: not that of a shadow call, or of one that did not wait long enough. */
function tellsOfLoad({ request, usual }: AdmittedCall, outcome: Outcome | undefined): boolean {
  if (outcome === undefined || request.context.isShadow || request.operation !== 'generate') return false
  if (usual.wasTooShort(outcome, request.stream)) return false
  usual.observe(outcome)
  return true
}

/**
 * What a call took; undefined when it took nothing. What was not reported is taken to be what was reserved, or what was
 * seen of it where that is more: an unknown cost is never less than the estimate, else the limits would not bind.
 */
function actualCost(
  { request, reserved, countCacheReads }: AdmittedCall,
  outcome: Outcome | undefined,
): Cost | undefined {
  if (request.operation === 'count_tokens') return free
  if (outcome === undefined) return reserved
  const { usage, failure } = outcome
  if (failure?.kind === 'timeout' && failure.phase === 'connect') return undefined
  if (failure?.kind === 'connection' && notReached.has(failure.code ?? '')) return undefined
  if (usage === undefined && failure !== undefined && isRefusal(failure)) return free
  const input = countedInput(usage, countCacheReads) ?? reserved.inputTokens
  if (usage !== undefined && !usage.estimated) return { inputTokens: input, outputTokens: usage.outputTokens }
  return { inputTokens: input, outputTokens: Math.max(reserved.outputTokens, usage?.outputTokens ?? 0) }
}

const free: Cost = { inputTokens: 0, outputTokens: 0 }

/**
 * Whether an upstream refuses a call instead of answering it: it has counted no tokens. A request it may have counted (OpenAI
 * does, Anthropic does not say), so that stays spent. A refusal with a status is one of the request, not in an answer.
 */
function isRefusal({ kind, origin, status }: Failure): boolean {
  const isOfRequest = kind === 'refusal' && status !== undefined
  return origin === 'upstream' && (failureKinds[kind].tokens === 'none' || isOfRequest)
}

/** Undefined where the size of the prompt is unknown: none has no tokens, and what was reserved is the better guess. */
function countedInput(usage: Usage | undefined, countCacheReads: boolean): number | undefined {
  if (usage === undefined || usage.isPromptEstimated || promptTokens(usage) === 0) return undefined
  return usage.inputTokens + usage.cacheWriteTokens + (countCacheReads ? usage.cacheReadTokens : 0)
}

/** What an answer says of the vendor's limits. */
function answerOf({ clock }: ModelRequest, { headers, failure }: ModelResponse): VendorFeedback {
  const isRefused =
    failure?.kind === 'rate_limited' && failure.origin === 'upstream' && failure.scope !== 'request'
  return {
    limits: vendorLimits(headers, clock.epoch()).map(
      ({ dimension, limit, remaining, resetMs, periodMs }) => ({
        name: windowOf[dimension],
        limit,
        remaining,
        resetMs,
        periodMs,
      }),
    ),
    closedMs: isRefused ? (failure.retryAfterMs ?? usualPause) : undefined,
    isSuccess: failure === undefined,
  }
}
