import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { boundedWait, header, longestWait, retryAfterMs, withBoundedWaits } from './retry-after.ts'

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
  ])('%j means nothing', (value) => {
    expect(wait(value)).toBeUndefined()
  })

  it('is any number of seconds, up to what one timer can wait for', () => {
    const delays = fc.nat(999_999_999)
    fc.assert(
      fc.property(
        delays,
        (seconds) => void expect(wait(String(seconds))).toBe(Math.min(longestWait, seconds * 1000)),
      ),
    )
    expect(longestWait).toBeLessThan(2 ** 31)
  })

  it.each([
    '2073601',
    '777600000',
    '1000000000',
    '99999999999',
    '9007199254740993',
    '9'.repeat(400),
    'Sat, 23 Nov 2126 12:00:00 GMT',
  ])('%s, which is longer than that, means the longest wait', (value) => {
    expect(wait(value)).toBe(longestWait)
  })

  it.each<[string, number]>([
    [String(epoch / 1000 + 90), 90_000],
    [String(epoch / 1000 - 90), 0],
    [String(epoch + 90_000), 90_000],
    [String(epoch / 1000 + 365 * 86_400), longestWait],
  ])('a Unix time near the present, %s, means %i ms', (value, ms) => {
    expect(wait(value)).toBe(ms)
  })

  it('is a delay and no Unix time where the clock has not been set', () => {
    expect(retryAfterMs({ 'retry-after': '90' }, 60_000)).toBe(90_000)
  })

  it('is any date, to come or past', () => {
    const dates = fc.date({ min: new Date('1970-01-01'), max: new Date('2150-01-01'), noInvalidDate: true })
    fc.assert(
      fc.property(dates, (date) => {
        date.setUTCMilliseconds(0)
        expect(wait(date.toUTCString())).toBe(Math.min(longestWait, Math.max(0, date.getTime() - epoch)))
      }),
    )
  })

  it('is nothing or a time that can be waited for, whatever is sent', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('retry-after', 'retry-after-ms'), fc.string()), (headers) => {
        const ms = retryAfterMs(headers, epoch)
        expect(ms === undefined || (ms >= 0 && ms <= longestWait)).toBe(true)
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

  it('may be a Unix time in milliseconds, and is no longer than retry-after may be', () => {
    expect(retryAfterMs({ 'retry-after-ms': String(epoch + 250) }, epoch)).toBe(250)
    expect(retryAfterMs({ 'retry-after-ms': '1e9' }, epoch)).toBeUndefined()
    expect(retryAfterMs({ 'retry-after-ms': '9999999999' }, epoch)).toBe(longestWait)
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

describe('waits in headers that are passed on', () => {
  it.each([
    {},
    { 'retry-after': '7' },
    { 'retry-after': '1.5', 'retry-after-ms': '1500' },
    { 'retry-after': 'Mon, 23 Nov 2026 12:00:30 GMT' },
    { 'retry-after': 'soon' },
    { 'x-other': '99999999999' },
  ])('stay as they are where every client can keep to them: %j', (headers) => {
    expect(withBoundedWaits(headers, epoch)).toBe(headers)
  })

  it.each([
    [{ 'retry-after': '1000000000' }, { 'retry-after': '2073600' }],
    [{ 'retry-after': String(epoch / 1000 + 90) }, { 'retry-after': '90' }],
    [{ 'retry-after': 'Sat, 23 Nov 2126 12:00:00 GMT' }, { 'retry-after': '2073600' }],
    [{ 'retry-after-ms': '9'.repeat(40) }, { 'retry-after-ms': '2073600000' }],
    [{ 'retry-after': ['7', '9'] }, { 'retry-after': '7' }],
    [{ 'retry-after': ['soon', '9'] }, {}],
    [
      { 'retry-after': '99999999999', a: 'b' },
      { 'retry-after': '2073600', a: 'b' },
    ],
  ])('are one that every client can keep to: %j', (headers, expected) => {
    expect(withBoundedWaits(headers, epoch)).toEqual(expected)
  })
})

it.each([
  [Number.NaN, 0],
  [-1, 0],
  [Infinity, longestWait],
  [5, 5],
])('a wait of %d ms is bounded to %d ms', (ms, bounded) => {
  expect(boundedWait(ms)).toBe(bounded)
})
