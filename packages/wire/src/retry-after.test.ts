import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { header, retryAfterMs } from './retry-after.ts'

const epoch = Date.UTC(2026, 10, 23, 12)
const wait = (value: string): number | undefined => retryAfterMs({ 'retry-after': value }, epoch)

describe('retry-after', () => {
  it.each<[string, number]>([
    ['0', 0],
    ['7', 7000],
    [' 7 ', 7000],
    ['1.5', 1500],
    ['Mon, 23 Nov 2026 12:00:30 GMT', 30_000],
    ['Monday, 23-Nov-26 12:00:30 GMT', 30_000],
    ['Mon Nov 23 12:00:30 2026', 30_000],
    ['Wed Dec  2 12:00:00 2026', 9 * 86_400_000],
    ['Mon, 23 Nov 2026 11:00:00 GMT', 0],
  ])('%s means %i ms', (value, ms) => {
    expect(wait(value)).toBe(ms)
  })

  it.each([
    '',
    ' ',
    'soon',
    'soon 5',
    'in 2099',
    '5s',
    '1 minute',
    '-1',
    '+1',
    '1e3',
    '0x10',
    '1,5',
    'NaN',
    'Infinity',
    '2026-11-23',
    'Mon, 99 Nov 2026 12:00:30 GMT',
    '9'.repeat(400),
  ])('%j means nothing', (value) => {
    expect(wait(value)).toBeUndefined()
  })

  it('is any number of seconds', () => {
    fc.assert(fc.property(fc.nat(), (seconds) => void expect(wait(String(seconds))).toBe(seconds * 1000)))
  })

  it('is any date, to come or past', () => {
    const dates = fc.date({ min: new Date('1970-01-01'), max: new Date('2150-01-01'), noInvalidDate: true })
    fc.assert(
      fc.property(dates, (date) => {
        date.setUTCMilliseconds(0)
        expect(wait(date.toUTCString())).toBe(Math.max(0, date.getTime() - epoch))
      }),
    )
  })

  it('is nothing or a time that can be waited for, whatever is sent', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('retry-after', 'retry-after-ms'), fc.string()), (headers) => {
        const ms = retryAfterMs(headers, epoch)
        expect(ms === undefined || (Number.isFinite(ms) && ms >= 0)).toBe(true)
      }),
    )
  })
})

describe('retry-after-ms', () => {
  it('goes before retry-after', () => {
    expect(retryAfterMs({ 'retry-after-ms': '250', 'retry-after': '7' }, epoch)).toBe(250)
  })

  it('yields to retry-after where it makes no sense', () => {
    expect(retryAfterMs({ 'retry-after-ms': 'x', 'retry-after': '7' }, epoch)).toBe(7000)
  })

  it('is missing like retry-after from headers without either', () => {
    expect(retryAfterMs({}, epoch)).toBeUndefined()
  })
})

it('takes the first of a header that came more than once', () => {
  expect(header({ a: ['1', '2'], b: '3' }, 'a')).toBe('1')
  expect(header({ a: ['1', '2'], b: '3' }, 'b')).toBe('3')
  expect(header({}, 'a')).toBeUndefined()
})
