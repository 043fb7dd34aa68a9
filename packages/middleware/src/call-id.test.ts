import { expect, it } from 'vitest'
import { newCallId } from './call-id.ts'

it('a call id is a UUID of version 7: its begin is the time, the rest is random', () => {
  // The example of RFC 9562, appendix A.6.
  const epoch = Date.UTC(2022, 1, 22, 19, 22, 22)
  const ids = Array.from({ length: 1000 }, () => newCallId(epoch + 0.7))
  for (const id of ids) expect(id).toMatch(/^017f22e2-79b0-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(new Set(ids).size).toBe(1000)
})

it('call ids are in the order of time, whatever the clock says', () => {
  const times = [-1, 0, 1, 2 ** 31, 2 ** 41, 2 ** 48 - 1, Infinity]
  const ids = times.map((time) => newCallId(time).slice(0, 14))
  expect(ids.toSorted()).toEqual(ids)
  expect(ids[0]).toBe('00000000-0000-')
  expect(ids.at(-1)).toBe('ffffffff-ffff-')
})
