import { styleText } from 'node:util'
import { fitted, type LineLayout, timeOf } from '../cli/call-line.ts'
import { printable } from '../cli/printable.ts'
import type { RefusedRequest } from '../server/refusal.ts'
import { redacted } from './redact.ts'

/** A request that reached no route, as a line for machines. No content and no key. */
export function refusedFacts({
  callId,
  method,
  path,
  from,
  failure,
  status,
}: RefusedRequest): Record<string, unknown> {
  return {
    event: 'refused',
    call: callId,
    method,
    path: redacted(printable(path)),
    from,
    status,
    outcome: failure.kind,
    reason: redacted(printable(failure.message ?? '')),
  }
}

/** The same for people. */
export function refusedLine(request: RefusedRequest, at: Date, layout?: LineLayout): string {
  const { callId, method, path, failure, status } = request
  const columns = [
    styleText('dim', timeOf(at, layout)),
    styleText('red', 'refused'.padEnd(10)),
    failure.kind.padEnd(12),
    String(status),
    `${method} ${printable(path)}`,
  ]
  const call = callId === undefined ? '' : `  call=${callId}`
  return fitted(columns, redacted(printable(`${failure.message}${call}`)), layout)
}
