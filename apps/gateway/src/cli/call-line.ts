import { styleText } from 'node:util'
import type { Failure } from '@spillway/middleware'
import { formatDuration } from '../config/duration.ts'
import type { AnsweredCall } from '../server/handle-call.ts'

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
  const reasons = log.attempts.filter((attempt) => attempt.failure !== undefined)
  const why = reasons.map(({ target, failure }) => `${target}: ${explain(failure as Failure)}`).join('; ')
  return why === '' ? columns.join('  ') : `${columns.join('  ')}  ${styleText('dim', printable(why))}`
}

/** Names and messages come from outside: their line breaks and escape sequences must not act on the log. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}

function explain({ message, status, origin }: Failure): string {
  return status === undefined || origin === 'spillway' ? message : `${status} ${message}`
}
