import { afterAll, beforeAll, expect, it } from 'vitest'
import { calendarSpans } from './calendar.ts'

const hour = 3_600_000
const zone = process.env.TZ
beforeAll(() => {
  process.env.TZ = 'Europe/Berlin'
})
afterAll(() => {
  if (zone === undefined) delete process.env.TZ
  else process.env.TZ = zone
})

const inBerlin = (text: string): number => new Date(text).getTime()
const spans = (now: string) => Object.fromEntries(calendarSpans(inBerlin(now)))

it('days, weeks from Monday and months are those of the reader', () => {
  expect(spans('2026-03-01T00:30:00')).toEqual({
    Today: { from: inBerlin('2026-03-01T00:00'), to: inBerlin('2026-03-02T00:00') },
    Yesterday: { from: inBerlin('2026-02-28T00:00'), to: inBerlin('2026-03-01T00:00') },
    'This week': { from: inBerlin('2026-02-23T00:00'), to: inBerlin('2026-03-02T00:00') },
    'Last week': { from: inBerlin('2026-02-16T00:00'), to: inBerlin('2026-02-23T00:00') },
    'This month': { from: inBerlin('2026-03-01T00:00'), to: inBerlin('2026-04-01T00:00') },
    'Last month': { from: inBerlin('2026-02-01T00:00'), to: inBerlin('2026-03-01T00:00') },
  })
})

it('a month of January follows December of the year before', () => {
  expect(spans('2026-01-31T12:00')['Last month']).toEqual({
    from: inBerlin('2025-12-01T00:00'),
    to: inBerlin('2026-01-01T00:00'),
  })
})

it('a day on which clocks change is as long as it is', () => {
  const { from = 0, to = 0 } = spans('2026-03-30T12:00').Yesterday ?? {}
  expect(to - from).toBe(23 * hour)
  const long = spans('2026-10-25T12:00').Today
  expect((long?.to ?? 0) - (long?.from ?? 0)).toBe(25 * hour)
})
