import { styleText } from 'node:util'
import type { Failure } from '@spillway/middleware'
import { formatDuration } from '../config/duration.ts'
import type { CallLog } from '../server/call-log.ts'
import type { AnsweredCall } from '../server/handle-call.ts'
import { printable } from './printable.ts'

/** One line for one call: when, who answered, why not the first, how long, how many attempts, which model. */
export function callLine({ model, stream, response, log, waited }: AnsweredCall, at: Date): string {
  const { failure } = response
  const who = failure === undefined ? (response.target ?? 'spillway') : 'nobody'
  const colour = failure !== undefined ? 'red' : log.fallback === undefined ? 'green' : 'yellow'
  const columns = [
    styleText('dim', at.toTimeString().slice(0, 8)),
    styleText(colour, who.padEnd(10)),
    (failure === undefined ? (log.fallback ?? 'ok') : failure.kind).padEnd(12),
    formatDuration(waited).padStart(8),
    `${log.started} ${log.started === 1 ? 'attempt ' : 'attempts'}`,
    `${printable(model)}${stream ? ' (stream)' : ''}`,
  ]
  const why = reasonsOf(log)
  return why === '' ? columns.join('  ') : `${columns.join('  ')}  ${styleText('dim', printable(why))}`
}

/** Why attempts failed; the same reason several times in a row is told once. */
function reasonsOf({ attempts }: CallLog): string {
  const reasons: { text: string; times: number }[] = []
  for (const { target, failure } of attempts) {
    if (failure === undefined) continue
    const text = `${target}: ${explain(failure)}`
    const last = reasons.at(-1)
    if (last?.text === text) last.times++
    else reasons.push({ text, times: 1 })
  }
  return reasons.map(({ text, times }) => (times === 1 ? text : `${text} (${times} times)`)).join('; ')
}

function explain({ message, status, origin }: Failure): string {
  return status === undefined || origin === 'spillway' ? message : `${status} ${message}`
}
