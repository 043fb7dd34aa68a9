import { stripVTControlCharacters, styleText } from 'node:util'
import type { Failure, Outcome } from '@spillway/middleware'
import type { CallRecord } from '@spillway/middleware/kit'
import { isModelRefusal } from '@spillway/wire'
import { formatDuration } from '../config/duration.ts'
import { redacted } from '../log/redact.ts'
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

/**
 * One line for one call: when, who answered, why not the first, how long, how many attempts, which model; where there is
 * space, also which call and by which route, for whom.
 */
export function callLine(call: AnsweredCall, at: Date, layout?: LineLayout, route?: string): string {
  const { model, stream, response, record, waited } = call
  const { failure } = response
  const who = failure === undefined ? (response.target ?? 'spillway') : 'nobody'
  const usual = hasDeclined(record) ? 'refusal' : (record.fallback(response.target)?.reason ?? 'ok')
  const colour = failure !== undefined ? 'red' : usual === 'ok' ? 'green' : 'yellow'
  const columns = [
    styleText('dim', timeOf(at, layout)),
    styleText(colour, who.padEnd(10)),
    (failure === undefined ? usual : failure.kind).padEnd(12),
    formatDuration(waited).padStart(8),
    attemptsOf(record),
    `${printable(model)}${stream ? ' (stream)' : ''}`,
  ]
  const parts = [reasonsOf(record), isWide(layout) ? askedBy(call, route) : '']
  const why = redacted(printable(parts.filter((part) => part !== '').join('  ')))
  return fitted(columns, why, layout)
}

/** Where a line is to go. Without one it has the time of the day alone, and no end. */
export interface LineLayout {
  /** Columns of a terminal; undefined for a file or a pipe. */
  readonly width: number | undefined
}

/** Terminals of so many columns have space for the date, and for who has asked. */
const wide = 160

const isWide = (layout: LineLayout | undefined): boolean =>
  layout !== undefined && (layout.width ?? wide) >= wide

/** The date with it, but on a terminal that has little space. */
export function timeOf(at: Date, layout: LineLayout | undefined): string {
  const time = at.toTimeString().slice(0, 8)
  if (layout === undefined || (layout.width ?? wide) < 120) return time
  const two = (part: number): string => String(part).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`
}

/** One line of a terminal, its last part cut short where it is too long. */
export function fitted(columns: readonly string[], last: string, layout?: LineLayout): string {
  const line = columns.join('  ')
  if (last === '') return line
  const space = (layout?.width ?? Infinity) - stripVTControlCharacters(line).length - 2
  if (space < 8) return line
  const text = last.length > space ? `${last.slice(0, space - 1)}…` : last
  return `${line}  ${styleText('dim', text)}`
}

function askedBy({ callId, tenant, session }: AnsweredCall, route: string | undefined): string {
  return [
    `call=${callId}`,
    ...(route === undefined ? [] : [`route=${route}`]),
    ...(tenant === undefined ? [] : [`tenant=${tenant}`]),
    ...(session === undefined ? [] : [`session=${session}`]),
  ].join(' ')
}

/** The same for a stream whose model declined after a part of the answer. */
export function declinedLine(
  { model, response, record }: AnsweredCall,
  { failure, timings }: Outcome,
  at: Date,
  layout?: LineLayout,
): string {
  const columns = [
    styleText('dim', timeOf(at, layout)),
    styleText('yellow', (response.target ?? 'spillway').padEnd(10)),
    'refusal'.padEnd(12),
    formatDuration(timings.end).padStart(8),
    attemptsOf(record),
    `${printable(model)} (stream)`,
  ]
  return fitted(columns, redacted(printable(`after a part of the answer: ${failure?.message}`)), layout)
}

/** Whether the last word on a call, so far, is a model that declines. */
export function hasDeclined({ attempts, running }: CallRecord): boolean {
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
export function explain({ kind, message, status, origin, code, requestId, retryAfterMs }: Failure): string {
  if (kind === 'circuit_open' && origin === 'spillway' && retryAfterMs !== undefined)
    return `open, next probe in ${formatDuration(retryAfterMs)}`
  if (origin === 'spillway') return message
  const names = [code, requestId].filter((name) => name !== undefined).join(', ')
  return [status, message, names === '' ? undefined : `(${names})`]
    .filter((part) => part !== undefined)
    .join(' ')
}
