import { expect, it } from 'vitest'
import { medianOf, quantileOf, slopeOf } from './slope.ts'

const line = (value: (at: number) => number) =>
  Array.from({ length: 60 }, (_, at) => ({ at, value: value(at) }))

it('a line has its slope, whatever a tenth of the points are', () => {
  expect(slopeOf(line((at) => 5 + 2 * at))).toBeCloseTo(2)
  expect(slopeOf(line((at) => (at % 10 === 3 ? 10_000 : 2 * at)))).toBeCloseTo(2, 0)
})

it('values that swing about a level do not rise', () => {
  expect(Math.abs(slopeOf(line((at) => 100 + 30 * Math.sin(at))))).toBeLessThan(0.3)
})

it('few values have a slope, too', () => {
  expect(slopeOf([])).toBe(0)
  expect(slopeOf([{ at: 1, value: 7 }])).toBe(0)
})

it('quantiles lie between values', () => {
  expect(medianOf([])).toBe(0)
  expect(medianOf([3, 1])).toBe(2)
  expect(quantileOf([5, 1, 2, 3, 4], 1)).toBe(5)
})
