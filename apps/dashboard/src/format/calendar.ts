import type { Span } from '../routing.ts'

/** Days, weeks (from Monday) and months of the reader's own zone, the current ones up to their ends. */
export function calendarSpans(now: number): readonly (readonly [name: string, span: Span])[] {
  const at = new Date(now)
  const [year, month, day] = [at.getFullYear(), at.getMonth(), at.getDate()]
  const monday = day - ((at.getDay() + 6) % 7)
  // `Date` counts on over the ends of months, and days are as long as the zone has them.
  const days = (from: number, to: number): Span => ({
    from: new Date(year, month, from).getTime(),
    to: new Date(year, month, to).getTime(),
  })
  const months = (from: number): Span => ({
    from: new Date(year, month + from, 1).getTime(),
    to: new Date(year, month + from + 1, 1).getTime(),
  })
  return [
    ['Today', days(day, day + 1)],
    ['Yesterday', days(day - 1, day)],
    ['This week', days(monday, monday + 7)],
    ['Last week', days(monday - 7, monday)],
    ['This month', months(0)],
    ['Last month', months(-1)],
  ]
}
