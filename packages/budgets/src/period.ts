import type { BudgetPeriod } from './rule.ts'

/** From its start up to, but without, its end, in milliseconds since the Unix epoch. */
export interface Span {
  readonly start: number
  readonly end: number
}

const minute = 60_000
const day = 86_400_000
const week = 7 * day
/** The first Monday after the Unix epoch, which was a Thursday. */
const firstMonday = 4 * day

/** The period in which a moment lies, in UTC. Weeks begin on Monday. */
export function periodAt(period: BudgetPeriod, epoch: number): Span {
  if (period === 'minute') return spanOf(epoch, minute, 0)
  if (period === 'day') return spanOf(epoch, day, 0)
  if (period === 'week') return spanOf(epoch, week, firstMonday)
  const date = new Date(epoch)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
  return { start: Date.UTC(year, month), end: Date.UTC(year, month + 1) }
}

function spanOf(epoch: number, length: number, first: number): Span {
  const start = Math.floor((epoch - first) / length) * length + first
  return { start, end: start + length }
}
