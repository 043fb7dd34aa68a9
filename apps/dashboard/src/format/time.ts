import { nothing } from './number.ts'

/** A duration of `ms` milliseconds in three digits or so: `284 ms`, `1.53 s`, `12.4 s`, `2 m 05 s`. */
export function duration(ms: number | null): string {
  if (ms === null) return nothing
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 9_995) return `${(ms / 1000).toFixed(2)} s`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${pad(seconds % 60)} s`
  const minutes = Math.round(ms / 60_000)
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} m`
  return `${Math.round(minutes / (24 * 60))} d`
}

/** How long ago it was, coarsely: `now`, `12 s ago`, `5 m ago`, `3 h ago`, `2 d ago`. */
export function ago(at: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - at) / 1000))
  if (seconds < 2) return 'now'
  if (seconds < 120) return `${seconds} s ago`
  if (seconds < 120 * 60) return `${Math.round(seconds / 60)} m ago`
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h ago`
  return `${Math.round(seconds / 86_400)} d ago`
}

const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' })
const minute = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const date = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short' })
const dateAndTime = new Intl.DateTimeFormat('en', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})
const whole = new Intl.DateTimeFormat('en', { dateStyle: 'full', timeStyle: 'long', hourCycle: 'h23' })

/** In the local zone: the time of day for today, with the date for any other day. */
export function clockTime(at: number, now: number): string {
  return isSameDay(at, now) ? time.format(at) : dateAndTime.format(at)
}

/** In the local zone, with everything, for tooltips. */
export function wholeTime(at: number): string {
  return whole.format(at)
}

/** The label of a tick of a time axis whose ticks are `stepMs` apart: times, or dates from a day on and at midnight. */
export function tickTime(at: number, stepMs: number): string {
  const day = new Date(at)
  if (stepMs >= 20 * 3_600_000) return date.format(at)
  return day.getHours() === 0 && day.getMinutes() === 0 && stepMs >= 3_600_000
    ? date.format(at)
    : minute.format(at)
}

/** A point of a series, in the table behind a chart. */
export function pointTime(at: number): string {
  return dateAndTime.format(at).replace(/:00$/, '')
}

function isSameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString()
}

function pad(value: number): string {
  return String(value).padStart(2, '0')
}

/** A part of the past in the local zone: `27 Nov, 17:00 – 18:30`, the day once where it is one. */
export function spanText(from: number, to: number): string {
  const begin = `${date.format(from)}, ${minute.format(from)}`
  return `${begin} – ${isSameDay(from, to) ? '' : `${date.format(to)}, `}${minute.format(to)}`
}
