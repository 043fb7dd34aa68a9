import { describe, expect, it } from 'vitest'
import { periodAt } from './period.ts'

const at = (text: string): number => Date.parse(text)
const span = (period: Parameters<typeof periodAt>[0], text: string): string[] => {
  const { start, end } = periodAt(period, at(text))
  return [start, end].map((time) => new Date(time).toISOString().slice(0, 16))
}

describe('a period', () => {
  it('is a minute, a day, a week from Monday or a month, in UTC', () => {
    const moment = '2026-11-27T20:42:59.999Z'
    expect(span('minute', moment)).toEqual(['2026-11-27T20:42', '2026-11-27T20:43'])
    expect(span('day', moment)).toEqual(['2026-11-27T00:00', '2026-11-28T00:00'])
    expect(span('week', moment)).toEqual(['2026-11-23T00:00', '2026-11-30T00:00'])
    expect(span('month', moment)).toEqual(['2026-11-01T00:00', '2026-12-01T00:00'])
  })

  it('begins at its first millisecond', () => {
    expect(span('month', '2026-12-31T23:59:59.999Z')).toEqual(['2026-12-01T00:00', '2027-01-01T00:00'])
    expect(span('month', '2027-01-01T00:00:00.000Z')).toEqual(['2027-01-01T00:00', '2027-02-01T00:00'])
    expect(span('week', '2026-11-22T23:59:59.999Z')).toEqual(['2026-11-16T00:00', '2026-11-23T00:00'])
    expect(span('week', '2026-11-23T00:00:00.000Z')).toEqual(['2026-11-23T00:00', '2026-11-30T00:00'])
  })

  it('knows leap days, and times before 1970', () => {
    expect(span('month', '2028-02-29T12:00:00Z')).toEqual(['2028-02-01T00:00', '2028-03-01T00:00'])
    expect(span('week', '1969-12-31T12:00:00Z')).toEqual(['1969-12-29T00:00', '1970-01-05T00:00'])
  })
})
