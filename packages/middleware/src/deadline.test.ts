import { expect, it } from 'vitest'
import { systemClock } from './clock.ts'
import { noDeadline, timeLeft } from './deadline.ts'

const clock = { ...systemClock, now: () => 1000 }

it.each([
  [1500, 500],
  [1000, 0],
  [900, 0],
  [noDeadline, Infinity],
])('leaves at 1000 until %d: %d ms', (deadline, left) => {
  expect(timeLeft(deadline, clock)).toBe(left)
})
