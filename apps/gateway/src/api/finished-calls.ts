// Brings in the `booked` of attempts.

import type { CallRow, TokenCounts } from '@spillway/gateway-api'
import type {} from '@spillway/ledger'
import { type Listener, listen, type Middleware, type ModelRequest, named } from '@spillway/middleware'
import { type CallRecord, followCall } from '@spillway/middleware/kit'
// Bring in the events of waits and losses.
import type {} from '@spillway/rate-limit'
import type {} from '@spillway/retry'
import type {} from '@spillway/translation'
import type { TenantNames } from './tenant-names.ts'

/** A call that is over. */
export interface FinishedCall {
  readonly row: CallRow
  readonly request: ModelRequest
  readonly record: CallRecord
  /** For what it had to wait, in order. */
  readonly waits: readonly CallWait[]
  /** What requests and answers have lost on their way to a target that can do less. */
  readonly losses: readonly string[]
}

/** A call waited before an attempt. */
export interface CallWait {
  readonly target: string | null
  readonly why: 'limit' | 'retry'
  /** When the wait began, in milliseconds since the Unix epoch. */
  readonly at: number
  readonly ms: number
}

const none: readonly string[] = []

/** Waits of one call that are kept. */
const mostWaits = 50

export interface CallObserver {
  readonly names: Pick<TenantNames, 'of'>
  /** Told of each call at its outcome. Must not throw. */
  readonly onCall: (call: FinishedCall) => void
  /** Hears all events of calls. */
  readonly onEvent: Listener
}

/** Follows each call, with what its events tell, until it is over. */
export function observeCalls({ names, onCall, onEvent }: CallObserver): Middleware {
  const observing: Middleware = (next) => (request) => {
    const waits: CallWait[] = []
    let losses: Set<string> | undefined
    /** A retry is decided where no target is known. */
    let lastTarget: string | undefined
    const heard = listen(request, (event) => {
      onEvent(event)
      if (event.type === 'attempt.ended') lastTarget = event.target
      if (event.type === 'degraded') losses = new Set([...(losses ?? []), ...event.losses])
      const isWait = event.type === 'limit.waited' || event.type === 'retry.scheduled'
      if (!isWait || waits.length >= mostWaits) return
      const now = request.clock.epoch()
      const isOver = event.type === 'limit.waited'
      waits.push({
        ...{ target: event.target ?? lastTarget ?? null, why: isOver ? 'limit' : 'retry', ms: event.waitMs },
        at: Math.round(isOver ? now - event.waitMs : now),
      })
    })
    return followCall(heard, next, ({ record, response, outcome, failure, firstContentMs, totalMs }) => {
      const row: CallRow = {
        id: record.callId,
        at: Math.round(record.startedAtEpoch),
        tenant: request.context.tenant ?? null,
        tenantName: names.of(request.context.tenant),
        session: request.context.session ?? null,
        model: request.model,
        modelAnswered: outcome?.model ?? null,
        target: response?.target ?? null,
        stream: request.stream,
        attempts: record.begun,
        fallback: record.fallback(response?.target)?.reason ?? null,
        failure: failure ?? null,
        status: response?.status ?? null,
        firstContentMs: firstContentMs ?? null,
        totalMs,
        ...usedBy(record),
      }
      onCall({ row, request, record, waits, losses: losses === undefined ? none : [...losses].sort() })
    })
  }
  return named(observing, 'calls for the dashboard', { hidden: true })
}

/** What all attempts of a call took together. */
function usedBy({ attempts }: CallRecord): Pick<CallRow, 'tokens' | 'estimated' | 'costNano'> {
  const tokens: { -readonly [K in keyof TokenCounts]: number } = {
    input: 0,
    output: 0,
    cacheRead: 0,
    cacheWrite: 0,
    reasoning: 0,
  }
  let estimated = false
  let cost: number | undefined
  for (const { booked: row } of attempts) {
    if (row === undefined) continue
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
