// Brings in the `booked` of attempts.

import type { CallRow, TokenCounts } from '@spillway/gateway-api'
import type {} from '@spillway/ledger'
import { type CallRecord, followCall, type Middleware, type ModelRequest, named } from '@spillway/middleware'
import type { TenantNames } from './tenant-names.ts'

/** A call that is over. */
export interface FinishedCall {
  readonly row: CallRow
  readonly request: ModelRequest
  readonly record: CallRecord
}

/** Tells of each call at its outcome. The listener must not throw. */
export function observeCalls(
  names: Pick<TenantNames, 'of'>,
  onCall: (call: FinishedCall) => void,
): Middleware {
  const observing: Middleware = (next) => (request) =>
    followCall(request, next, ({ record, response, outcome, failure, firstContentMs, totalMs }) => {
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
      onCall({ row, request, record })
    })
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
