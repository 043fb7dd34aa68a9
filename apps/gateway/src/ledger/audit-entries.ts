import type { AuditTrail } from '@spillway/ledger'
import type { FinishedCall } from '../api/finished-calls.ts'
import type { Operator } from '../operators/operator.ts'
import type { ConfigDiff } from '../reload/config-diff.ts'
// Brings in the context's `from` and `upstream`.
import type {} from './upstream.ts'

type Recorded = Parameters<AuditTrail['record']>[0]

/** Who called what, from where, whose keys were used for it, and how it ended. No content and no key. */
export function callEntry({ row, request, record }: FinishedCall): Recorded {
  const used = record.attempts.map(({ context }) => context.upstream?.credential ?? 'none')
  return {
    actor: row.tenant ?? 'nobody',
    action: 'call',
    // In the order of the canonical JSON, for speed.
    details: {
      attempts: row.attempts,
      call: row.id,
      from: request.context.from ?? 'unknown',
      keys: used.length === 1 ? used : [...new Set(used)],
      outcome: row.failure ?? 'ok',
      path: request.url.replace(/\?.*$/s, ''),
      subject: row.model,
      target: row.target ?? 'none',
    },
  }
}

/** What an operator did, how it had shown who it is, and from where. */
export function actEntry(
  { name, by, address }: Pick<Operator, 'name' | 'by' | 'address'>,
  action: string,
  details: Readonly<Record<string, unknown>>,
): Recorded {
  return { actor: name, action, details: { ...details, by, from: address } }
}

/** The process itself. */
export const gatewayActor = 'gateway'

/** Of a configuration that was read again. */
export const reloadDetails = (
  subject: string,
  { changed, needRestart }: ConfigDiff,
): { readonly subject: string; readonly changed: string; readonly needRestart: string } => ({
  ...{ subject, changed: changed.join(', '), needRestart: needRestart.join(', ') },
})
