import { expect, it } from 'vitest'
import { sparkline } from './sparkline.ts'

it('shows values from the least to the most', () => {
  expect(sparkline([1, 2, 3, 4, 5, 6, 7, 8], 8)).toBe('▁▂▃▄▅▆▇█')
  expect(sparkline([5, 5, 5], 10)).toBe('▁▁▁')
  expect(sparkline([], 10)).toBe('')
})

it('takes the mean of what falls into one column', () => {
  expect(sparkline([0, 0, 10, 10, 4, 6], 3)).toBe('▁█▅')
})
