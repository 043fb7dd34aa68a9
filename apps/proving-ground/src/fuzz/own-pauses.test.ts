import { expect, it } from 'vitest'
import { now } from './in-flight.ts'
import { OwnPauses } from './own-pauses.ts'

it('knows when this process did not run, and what was in flight then', () => {
  const pauses = new OwnPauses()
  const start = now()
  pauses.look(start)
  for (const at of [20, 60, 160, 400, 420]) pauses.look(start + at)
  expect(pauses.between(start, start + 150)).toBe(false)
  expect(pauses.between(start + 150, start + 170)).toBe(true)
  expect(pauses.between(start + 390, start + 500)).toBe(true)
  expect(pauses.between(start + 401, start + 500)).toBe(false)
})
