import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dollars, limitText, parseLimit, type WrittenLimit } from './limit-text.ts'

describe('a limit in writing', () => {
  it.each([
    ['usd=50/month', { unit: 'usd', period: 'month', amount: 50e9, hard: true }],
    ['$0.25/day', { unit: 'usd', period: 'day', amount: 25e7, hard: true }],
    ['$5k/month', { unit: 'usd', period: 'month', amount: 5_000e9, hard: true }],
    ['tokens=2.5M/day', { unit: 'tokens', period: 'day', amount: 2_500_000, hard: true }],
    ['requests=100/minute,soft', { unit: 'requests', period: 'minute', amount: 100, hard: false }],
    ['usd=0/week,warn=90%,soft', { unit: 'usd', period: 'week', amount: 0, hard: false, warnAt: 0.9 }],
  ])('%s is read', (text, limit) => {
    expect(parseLimit(text)).toEqual(limit)
  })

  it.each([
    ['usd=50', 'expected a limit such as usd=50/month'],
    ['0/month', 'expected a limit such as'],
    ['usd=-5/day', 'expected a limit such as'],
    ['eur=5/day', 'expected a limit such as'],
    ['usd=5/hour', 'expected a limit such as'],
    ['requests=1.5/day', 'a whole number of requests'],
    ['usd=99999999/month', 'too large'],
    ['usd=5/day,warn=0%', 'warn must be from 1% to 100%'],
    ['usd=5/day,warn=101%', 'warn must be from 1% to 100%'],
  ])('%s is refused, and what is expected is said', (text, problem) => {
    expect(parseLimit(text)).toContain(problem)
  })

  it('reads back as it was, to the nano-dollar', () => {
    const limit = fc.record({
      unit: fc.constantFrom('usd', 'tokens', 'requests'),
      period: fc.constantFrom('minute', 'day', 'week', 'month'),
      amount: fc.maxSafeNat(),
      hard: fc.boolean(),
    })
    fc.assert(
      fc.property(limit, fc.option(fc.integer({ min: 1, max: 100 })), (one, percent) => {
        const whole = { ...one, ...(percent !== null && { warnAt: percent / 100 }) } as WrittenLimit
        expect(parseLimit(limitText(whole))).toEqual(whole)
      }),
    )
  })
})

it.each([
  [0, '0'],
  [1, '0.000000001'],
  [50e9, '50'],
  [41_200_000_000, '41.2'],
  [10e9, '10'],
])('%d nano-dollars are %s dollars', (nano, text) => {
  expect(dollars(nano)).toBe(text)
})
