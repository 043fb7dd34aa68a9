import { describe, expect, it } from 'vitest'
import { formatDuration, parseAge, parseDuration } from './duration.ts'

describe('parseDuration', () => {
  it.each([
    ['250ms', 250],
    ['10s', 10_000],
    ['1.5s', 1_500],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['0s', 0],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it.each(['', '10', 's', '-1s', '1 s', '1d', '.5s', '1e3ms', '10S', ' 1s', 'Infinity', '1s1m'])(
    'does not read %j',
    (text) => {
      expect(parseDuration(text)).toBeUndefined()
    },
  )
})

describe('parseAge', () => {
  it.each([
    ['90d', 7_776_000_000],
    ['12h', 43_200_000],
    ['0.5d', 43_200_000],
  ])('reads %s', (text, ms) => {
    expect(parseAge(text)).toBe(ms)
  })

  it.each(['', '90', 'd', '-1d', '1 d', '10m', '2w', '1d1h'])('does not read %j', (text) => {
    expect(parseAge(text)).toBeUndefined()
  })
})

describe('formatDuration', () => {
  it.each([
    [0.4, '0 ms'],
    [850.2, '850 ms'],
    [1_834, '1.8 s'],
    [119_000, '119.0 s'],
    [600_000, '10 m'],
  ])('writes %s as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })
})
