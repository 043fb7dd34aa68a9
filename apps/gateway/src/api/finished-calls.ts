import type { Middleware, ModelRequest, Outcome } from '@spillway/middleware'
import type { CallTrail } from '../ledger/call-trail.ts'
import type { CallRow, TokenCounts } from './contract.ts'

/** A call that is over. */
export interface FinishedCall {
  readonly row: CallRow
  readonly request: ModelRequest
  readonly trail: CallTrail
}

/** Tells of each call at its outcome; inside of `followCalls`. The listener must not throw. */
export function observeCalls(onCall: (call: FinishedCall) => void): Middleware {
  return (next) => async (request) => {
    const { trail } = request.context
    if (trail === undefined) return next(request)
    const startedAt = request.clock.now()
    const at = request.clock.epoch()
    const tell = (outcome: Outcome | undefined, target: string | undefined, failure?: string): void => {
      const now = request.clock.now()
      const first = outcome?.timings.firstContent
      const row: CallRow = {
        id: request.context.callId,
        at: Math.round(at),
        tenant: request.context.tenant ?? null,
        model: request.model,
        target: target ?? null,
        stream: request.stream,
        attempts: trail.attempts.length,
        fallback: trail.fallback ?? null,
        failure: outcome?.failure?.kind ?? failure ?? null,
        firstContentMs:
          outcome === undefined || first === undefined ? null : outcome.timings.startedAt - startedAt + first,
        totalMs: now - startedAt,
        ...usedBy(trail),
      }
      onCall({ row, request, trail })
    }
    try {
      const response = await next(request)
      response.outcome.then((outcome) => tell(outcome, response.target))
      return response
    } catch (error) {
      tell(undefined, undefined, request.signal?.aborted ? 'cancelled' : 'error')
      throw error
    }
  }
}

/** What all attempts of a call took together. */
function usedBy({ attempts }: CallTrail): Pick<CallRow, 'tokens' | 'estimated' | 'costNano'> {
  const tokens: { -readonly [K in keyof TokenCounts]: number } = {
    input: 0,
    output: 0,
    cacheRead: 0,
    cacheWrite: 0,
    reasoning: 0,
  }
  let estimated = false
  let cost: number | undefined
  for (const { row } of attempts) {
    tokens.input += row.input_tokens
    tokens.output += row.output_tokens
    tokens.cacheRead += row.cache_read_tokens
    tokens.cacheWrite += row.cache_write_tokens
    tokens.reasoning += row.reasoning_tokens
    estimated ||= row.estimated === 1
    if (row.cost_nano !== null) cost = (cost ?? 0) + row.cost_nano
  }
  return { tokens, estimated, costNano: cost === undefined ? null : String(cost) }
}
