import { styleText } from 'node:util'
import type { CallRecord, Failure, Outcome } from '@spillway/middleware'
import { isModelRefusal } from '@spillway/wire'
import { formatDuration } from '../config/duration.ts'
import type { AnsweredCall } from '../server/handle-call.ts'
import { printable } from './printable.ts'

/** A line for each call, and one more where its model declines in the middle of a stream that a line was written of. */
export function callTeller(say: (line: string) => void): (call: AnsweredCall) => void {
  return (call) => {
    const isKnown = call.response.failure !== undefined || hasDeclined(call.record)
    say(callLine(call, new Date()))
    if (isKnown) return
    call.response.outcome.then((outcome) => {
      if (isModelRefusal(outcome)) say(declinedLine(call, outcome, new Date()))
    })
  }
}

/** One line for one call: when, who answered, why not the first, how long, how many attempts, which model. */
export function callLine({ model, stream, response, record, waited }: AnsweredCall, at: Date): string {
  const { failure } = response
  const who = failure === undefined ? (response.target ?? 'spillway') : 'nobody'
  const usual = hasDeclined(record) ? 'refusal' : (record.fallback(response.target)?.reason ?? 'ok')
  const colour = failure !== undefined ? 'red' : usual === 'ok' ? 'green' : 'yellow'
  const columns = [
    styleText('dim', at.toTimeString().slice(0, 8)),
    styleText(colour, who.padEnd(10)),
    (failure === undefined ? usual : failure.kind).padEnd(12),
    formatDuration(waited).padStart(8),
    attemptsOf(record),
    `${printable(model)}${stream ? ' (stream)' : ''}`,
  ]
  const why = reasonsOf(record)
  return why === '' ? columns.join('  ') : `${columns.join('  ')}  ${styleText('dim', printable(why))}`
}

/** The same for a stream whose model declined after a part of the answer. */
export function declinedLine(
  { model, response, record }: AnsweredCall,
  { failure, timings }: Outcome,
  at: Date,
): string {
  return [
    styleText('dim', at.toTimeString().slice(0, 8)),
    styleText('yellow', (response.target ?? 'spillway').padEnd(10)),
    'refusal'.padEnd(12),
    formatDuration(timings.end).padStart(8),
    attemptsOf(record),
    `${printable(model)} (stream)`,
    styleText('dim', printable(`after a part of the answer: ${failure?.message}`)),
  ].join('  ')
}

/** Whether the last word on a call, so far, is a model that declines. */
function hasDeclined({ attempts, running }: CallRecord): boolean {
  return running === 0 && attempts.at(-1)?.outcome?.failure?.kind === 'refusal'
}

const attemptsOf = ({ begun }: CallRecord): string => `${begun} ${begun === 1 ? 'attempt ' : 'attempts'}`

/** Why attempts failed or were refused; the same reason several times in a row is told once. */
function reasonsOf({ reports }: CallRecord): string {
  const reasons: { text: string; times: number }[] = []
  for (const { target, failure } of reports) {
    if (failure === undefined) continue
    const text = `${target}: ${explain(failure)}`
    const last = reasons.at(-1)
    if (last?.text === text) last.times++
    else reasons.push({ text, times: 1 })
  }
  return reasons.map(({ text, times }) => (times === 1 ? text : `${text} (${times} times)`)).join('; ')
}

/** With what the vendor's support asks for: its own name for the error, and its id of the request. */
function explain({ message, status, origin, code, requestId }: Failure): string {
  if (origin === 'spillway') return message
  const names = [code, requestId].filter((name) => name !== undefined).join(', ')
  return [status, message, names === '' ? undefined : `(${names})`]
    .filter((part) => part !== undefined)
    .join(' ')
}
