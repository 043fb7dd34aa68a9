import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exactMoney, money, shareOfMoney } from './money.ts'
import { compact, full, percent } from './number.ts'
import { ago, duration, tickTime } from './time.ts'
import { title, words } from './words.ts'

describe('counts', () => {
  it.each([
    [0, '0'],
    [10, '10'],
    [9_999, '9,999'],
    [12_345, '12.3K'],
    [10_000_000, '10M'],
    [7_912_345_678, '7.91B'],
  ])('%d is shown as %s', (value, text) => expect(compact(value)).toBe(text))

  it('in full they have every digit', () => expect(full(10_482_913)).toBe('10,482,913'))
})

describe('shares', () => {
  it.each([
    [null, '–'],
    [Number.NaN, '–'],
    [0, '0%'],
    [0.00001, '<0.1%'],
    [0.0037, '0.4%'],
    [0.05, '5%'],
    [0.123, '12%'],
    [0.9876, '98.8%'],
    [0.99999, '>99.9%'],
    [1, '100%'],
  ])('%s is shown as %s', (share, text) => expect(percent(share)).toBe(text))

  it('what is not zero never reads as zero, nor what is not all as all', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-12, max: 1 - 1e-12, noNaN: true }), (share) => {
        expect(['0%', '100%', '100.0%']).not.toContain(percent(share))
      }),
    )
  })
})

describe('money', () => {
  it.each([
    [null, '–'],
    ['0', '$0.00'],
    ['1', '$0.000000001'],
    ['4217350', '$0.0042'],
    ['42173500', '$0.042'],
    ['999999999', '$1.00'],
    ['173004999999', '$173.00'],
    ['173005000000', '$173.01'],
    ['-173005000000', '-$173.01'],
    ['193224671234567890', '$193.22M'],
    ['12345678901234567890', '$12.35B'],
  ])('%s nano-dollars are shown as %s', (nano, text) => expect(money(nano)).toBe(text))

  it('exactly means every digit, beyond what a number holds', () => {
    expect(exactMoney('12345678901234567891')).toBe('$12,345,678,901.234567891')
    expect(exactMoney('1500000000')).toBe('$1.50')
    expect(exactMoney('-1')).toBe('-$0.000000001')
  })

  it('the exact text can be read back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), (nano) => {
        const text = exactMoney(nano.toString()).replace(/[$,]/g, '')
        const [dollars = '', decimals = ''] = text.replace('-', '').split('.')
        const read = BigInt(dollars + decimals.padEnd(9, '0'))
        expect(text.startsWith('-') ? -read : read).toBe(nano)
      }),
    )
  })

  it('a part is told as a share, and of nothing there is none', () => {
    expect(shareOfMoney('250', '1000')).toBe(0.25)
    expect(shareOfMoney('0', '0')).toBeNull()
  })
})

describe('times', () => {
  it.each([
    [null, '–'],
    [0, '0 ms'],
    [999, '999 ms'],
    [1_234, '1.23 s'],
    [12_345, '12.3 s'],
    [125_000, '2 m 05 s'],
    [3_599_600, '1 h 00 m'],
    [7_260_000, '2 h 01 m'],
    [9 * 86_400_000, '9 d'],
  ])('%s milliseconds are shown as %s', (ms, text) => expect(duration(ms)).toBe(text))

  it.each([
    [0, 'now'],
    [12_000, '12 s ago'],
    [300_000, '5 m ago'],
    [3 * 3_600_000, '3 h ago'],
    [9 * 86_400_000, '9 d ago'],
    [-5_000, 'now'],
  ])('%d milliseconds ago is %s', (past, text) => expect(ago(1e12 - past, 1e12)).toBe(text))

  it('an axis shows times in the local zone, and the date at midnight and for days', () => {
    const noon = new Date(2026, 2, 12, 12, 30).getTime()
    const midnight = new Date(2026, 2, 12).getTime()
    expect(tickTime(noon, 1_800_000)).toBe('12:30')
    expect(tickTime(midnight, 7_200_000)).toBe('Mar 12')
    expect(tickTime(noon, 86_400_000)).toBe('Mar 12')
  })
})

it.each([
  ['requestsPerMinute', 'Requests per minute'],
  ['rate_limited', 'Rate limited'],
  ['half_open', 'Half open'],
])('%s reads as %s', (name, text) => {
  expect(title(name)).toBe(text)
  expect(words(name)).toBe(text.toLowerCase())
})
