import {
  type Handler,
  listen,
  type ModelRequest,
  type ModelResponse,
  type Outcome,
} from '@spillway/middleware'
import { tokensFromBytes, type VendorDimension, vendorLimits } from '@spillway/wire'
import type { Lease } from './admission.ts'
import type { Cost, VendorAnswer, WindowName } from './limits.ts'
import type { TokenEstimator } from './token-estimator.ts'

/** A call that has been admitted, and all that its settlement needs. */
export interface AdmittedCall {
  readonly request: ModelRequest
  readonly lease: Lease
  /** What was reserved. */
  readonly reserved: Cost
  readonly estimator: TokenEstimator
  readonly countCacheReads: boolean
  /** Whether the vendor's headers and 429s concern these limits. */
  readonly heedsVendor: boolean
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
    lease.settle(wasSent ? actualCost(call, outcome) : undefined, request.clock.now(), outcome)
  }
  try {
    const response = await next(watched)
    if (call.heedsVendor) lease.hear?.(answerOf(request, response), request.clock.now())
    response.outcome.then((outcome) => {
      if (outcome.usage !== undefined && !outcome.usage.estimated)
        call.estimator.learn(request, outcome.usage)
      settle(outcome)
    })
    return response
  } catch (error) {
    settle(ended)
    throw error
  }
}

/** What a call took; undefined when it took nothing. */
function actualCost(
  { reserved, countCacheReads }: AdmittedCall,
  outcome: Outcome | undefined,
): Cost | undefined {
  if (outcome === undefined) return reserved
  const { usage, failure } = outcome
  if (failure?.kind === 'timeout' && failure.phase === 'connect') return undefined
  if (failure?.kind === 'connection' && notReached.has(failure.code ?? '')) return undefined
  if (usage === undefined) {
    const isContent = outcome.timings.firstContent !== undefined
    return { inputTokens: reserved.inputTokens, outputTokens: isContent ? tokensFromBytes(outcome.bytes) : 0 }
  }
  return {
    inputTokens: usage.inputTokens + usage.cacheWriteTokens + (countCacheReads ? usage.cacheReadTokens : 0),
    outputTokens: usage.outputTokens,
  }
}

/** What an answer says of the vendor's limits. */
function answerOf({ clock, stream }: ModelRequest, { headers, failure }: ModelResponse): VendorAnswer {
  const isRefused = failure?.kind === 'rate_limited' && failure.origin === 'upstream'
  return {
    limits: vendorLimits(headers, clock.epoch()).map(({ dimension, ...limit }) => ({
      name: windowOf[dimension],
      ...limit,
    })),
    closedMs: isRefused ? (failure.retryAfterMs ?? usualPause) : undefined,
    isSuccess: failure === undefined,
    isWhole: !stream,
  }
}
