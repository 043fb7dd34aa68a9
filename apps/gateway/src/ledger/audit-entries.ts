import type { AuditTrail } from '@spillway/ledger'
import type { FinishedCall } from '../api/finished-calls.ts'
// Brings in the context's `from` and `upstream`.
import type {} from './upstream.ts'

type Recorded = Parameters<AuditTrail['record']>[0]

/** Who called what, from where, whose keys were used for it, and how it ended. No content and no key. */
export function callEntry({ row, request, record }: FinishedCall): Recorded {
  const keys = [...new Set(record.attempts.map(({ context }) => context.upstream?.credential ?? 'none'))]
  return {
    actor: row.tenant ?? 'nobody',
    action: 'call',
    details: {
      subject: row.model,
      call: row.id,
      from: request.context.from ?? 'unknown',
      path: request.url.replace(/\?.*$/s, ''),
      outcome: row.failure ?? 'ok',
      target: row.target ?? 'none',
      attempts: row.attempts,
      keys,
    },
  }
}

/** The process itself. */
export const gatewayActor = 'gateway'
