import type { Failure } from '@spillway/middleware'
import { explain } from '../cli/call-line.ts'
import { printable } from '../cli/printable.ts'
import type { AnsweredCall } from '../server/handle-call.ts'
import { redacted } from './redact.ts'

/** Attempts that one line tells of, at most. */
const longestList = 20

/** A call as a line for machines: who asked what, by which route, who answered, and why not the first. No content and no key. */
export function callFacts(call: AnsweredCall, route: string | undefined): Record<string, unknown> {
  const { model, stream, response, record, waited } = call
  const { failure } = response
  return {
    event: 'call',
    call: call.callId,
    tenant: call.tenant,
    session: call.session === undefined ? undefined : redacted(printable(call.session)),
    path: call.path,
    route,
    model: printable(model),
    stream,
    target: failure === undefined ? (response.target ?? 'spillway') : undefined,
    status: response.status,
    outcome: failure?.kind ?? 'ok',
    fallback: failure === undefined ? record.fallback(response.target)?.reason : undefined,
    waitedMs: Math.round(waited),
    attempts: record.begun,
    reasons: reasonsIn(record.reports),
  }
}

function reasonsIn(
  reports: readonly { readonly target?: string | undefined; readonly failure?: Failure | undefined }[],
): string[] | undefined {
  const failed = reports.flatMap(({ target, failure }) =>
    failure === undefined ? [] : [redacted(printable(`${target}: ${explain(failure)}`))],
  )
  return failed.length === 0 ? undefined : failed.slice(0, longestList)
}
