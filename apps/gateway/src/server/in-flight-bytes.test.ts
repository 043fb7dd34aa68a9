import { virtualClock } from '@spillway/testing'
import { expect, it } from 'vitest'
import { InFlightBytes } from './in-flight-bytes.ts'

const MB = 1_000_000

it('what is announced is counted before it arrives, and what does not fit is refused', () => {
  const inFlight = new InFlightBytes(10 * MB, virtualClock())
  const first = inFlight.reserve(6 * MB)
  expect(inFlight.used).toBe(6 * MB)
  expect(inFlight.reserve(5 * MB)).toBeUndefined()
  expect(inFlight.used).toBe(6 * MB)
  expect(inFlight.reserve(4 * MB)).toBeDefined()
  expect(inFlight.reserve(1)).toBeUndefined()
  first?.release()
  expect(inFlight.used).toBe(4 * MB)
})

it('what is not announced is counted as it arrives', () => {
  const inFlight = new InFlightBytes(10, virtualClock())
  const request = inFlight.reserve(0)
  expect(request?.arrived(7)).toBe(true)
  expect(request?.arrived(3)).toBe(true)
  expect(inFlight.used).toBe(10)
  expect(request?.arrived(1)).toBe(false)
  expect(inFlight.used).toBe(10)
  request?.release()
  expect(inFlight.used).toBe(0)
})

it('a request that is complete counts with what has arrived, until it is released, once', () => {
  const inFlight = new InFlightBytes(10, virtualClock())
  const request = inFlight.reserve(9)
  request?.arrived(4)
  request?.complete()
  expect(inFlight.used).toBe(4)
  request?.release()
  request?.release()
  expect(inFlight.used).toBe(0)
})

it('an announcement that is not followed by bytes is not held against others', async () => {
  const clock = virtualClock()
  const inFlight = new InFlightBytes(10 * MB, clock)
  const silent = inFlight.reserve(5 * MB)
  const steady = inFlight.reserve(5 * MB)
  silent?.arrived(1_000)
  expect(inFlight.reserve(5 * MB)).toBeUndefined()
  await clock.advance(2_000)
  steady?.arrived(2 * MB)
  const third = inFlight.reserve(4 * MB)
  expect(third, 'in the place of what was announced').toBeDefined()
  expect(inFlight.used).toBe(9 * MB + 1_000)
  expect(silent?.arrived(1 * MB), 'what arrives after all, where it does not fit').toBe(false)
  third?.release()
  expect(silent?.arrived(1 * MB)).toBe(true)
  for (const request of [silent, steady]) request?.release()
  expect(inFlight.used).toBe(0)
})
